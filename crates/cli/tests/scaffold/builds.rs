//! What comes out builds without a warning, is formatted, has nothing that clippy minds, and passes its tests.

use std::{fs, path::Path};

use crate::{
    tools::{cargo, clean, take_lock_file},
    variant::Variant,
};

fn name_of(form: &Variant) -> String {
    let words = [
        if form.contract_first { "proto" } else { "code" },
        if form.streaming { "stream" } else { "unary" },
        if form.event { "event" } else { "plain" },
    ];
    words.join("-")
}

/// All forms in one workspace, so that what they depend on is built once, with the features of all.
#[test]
fn every_form_of_a_service_and_a_gateway() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    // The profile is that of a project that stands by itself.
    let manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"members/*\"]\n[profile.dev]\ndebug = \"line-tables-only\"\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    let members = root.join("members");
    for (number, form) in Variant::forms(name_of).iter().enumerate() {
        if number % 2 == 0 {
            form.by_sky(&members)
        } else {
            form.by_cargo_generate(&members)
        };
    }
    let gateway = Variant { broker: "nats", ..Variant::new("gateway", "edge") };
    gateway.by_sky(&members);
    take_lock_file(root);
    let bye = take_the_readmes_advice(&members.join("code-unary-plain"));
    assert!(bye <= 3, "a handler costs {bye} lines beyond its body");
    let bye = take_the_readmes_advice(&members.join("proto-unary-plain"));
    assert!(bye <= 3, "a handler costs {bye} lines beyond its body");
    clean(cargo(root).args(["fmt", "--all", "--check"]));
    clean(cargo(root).args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]));
    // The advice has changed one contract, which that project's test tells.
    let changed = cargo(root).args(["test", "--quiet", "--workspace", "--test", "contract"]).output().unwrap();
    let said = String::from_utf8_lossy(&changed.stdout);
    assert!(!changed.status.success() && said.contains("UPDATE_CONTRACT=1"), "{said}");
    clean(cargo(root).env("UPDATE_CONTRACT", "1").args(["test", "--quiet", "--workspace"]));
}

/// Adds the handler that the project's README has as its example; returns how many lines that takes beyond the
/// handler's body.
fn take_the_readmes_advice(project: &Path) -> usize {
    let readme = fs::read_to_string(project.join("README.md")).unwrap();
    let block = |language: &str| {
        let start = readme.split_once(&format!("```{language}\n"))?.1;
        Some(start.split_once("```").unwrap().0.to_owned())
    };
    let mut lines = 0;
    if let Some(method) = block("proto") {
        let package = project.file_name().unwrap().to_str().unwrap().replace('-', "_");
        let file = project.join(format!("proto/{package}/v1/{package}.proto"));
        insert_before_the_end_of(&file, "service ", &method);
        lines += method.lines().count();
    }
    let handler = block("rust").unwrap();
    insert_before_the_end_of(&project.join("src/service.rs"), "#[service", &handler);
    // The body is what is indented further.
    lines + handler.lines().filter(|line| !line.starts_with(' ')).count()
}

/// Adds lines at the end of the block that begins after `opening`.
fn insert_before_the_end_of(file: &Path, opening: &str, lines: &str) {
    let text = fs::read_to_string(file).unwrap();
    let start = text.find(opening).unwrap();
    let end = start + text[start..].find("\n}\n").unwrap() + 1;
    let indent = if opening == "service " { "  " } else { "    " };
    let added: String = lines.lines().map(|line| format!("{indent}{line}\n")).collect();
    fs::write(file, format!("{}\n{added}{}", &text[..end], &text[end..])).unwrap();
}

/// Lines may not grow beyond what is formatted with the length of a name.
#[test]
fn long_names_are_formatted_too() {
    let directory = tempfile::tempdir().unwrap();
    let long = "x".repeat(30);
    for form in Variant::forms(|_| long.clone()) {
        let folder = directory.path().join(name_of(&form));
        clean(cargo(&form.by_sky(&folder)).args(["fmt", "--check"]));
    }
    let gateway = Variant::new("gateway", &long).by_sky(&directory.path().join("gateway"));
    clean(cargo(&gateway).args(["fmt", "--check"]));
}
