//! Keeps the house rules of `CONTRIBUTING.md`: each finding says where, which rule, and what to do.

mod finding;
mod tree;
mod text;
mod cargo;
mod rust;
mod modules;

use cargo::manifest::Manifest;
use finding::Finding;
use rust::source::Source;
use tree::TextFile;

#[test]
fn the_workspace_is_tidy() {
    let root = tree::root();
    let files = tree::read(&root).expect("the workspace can be read");
    for path in ["Cargo.toml", "CHANGELOG.md", "crates/core/src/lib.rs", "scripts/test.sh", ".ci/run"] {
        assert!(files.iter().any(|file| file.path == path), "{path} was not read, so nothing below is proved");
    }
    let mut findings: Vec<Finding> = files.iter().flat_map(|file| text::check(&root, file)).collect();
    check_rust(&files, &mut findings);
    check_manifests(&files, &mut findings);
    findings.sort();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} findings\n{}\n", lines.len(), lines.join("\n"));
}

fn check_rust(files: &[TextFile], findings: &mut Vec<Finding>) {
    let mut sources = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "rs") {
        match Source::parse(&file.path, &file.text) {
            Ok(source) => sources.push(source),
            // A fixture may be wrong on purpose.
            Err(_) if rust::source::Place::of(&file.path) == rust::source::Place::Material => {}
            Err(finding) => findings.push(finding),
        }
    }
    findings.extend(sources.iter().flat_map(rust::check));
    findings.extend(modules::check(&sources));
}

fn check_manifests(files: &[TextFile], findings: &mut Vec<Finding>) {
    let mut manifests = Vec::new();
    for file in files.iter().filter(|file| file.name() == "Cargo.toml") {
        match Manifest::parse(&file.path, &file.text) {
            Ok(manifest) => manifests.push(manifest),
            Err(finding) => findings.push(finding),
        }
    }
    findings.extend(cargo::check(&manifests));
}
