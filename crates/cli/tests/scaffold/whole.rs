//! Each project by itself: what it is built with, and its cluster file.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    tools::{cargo, checkout, clean, cluster_file, in_project, ok, sky, take_lock_file},
    variant::{BROKERS, Variant},
};

/// A project of every kind on a broker, with the names of its programs.
fn kinds(broker: &'static str) -> Vec<(Variant, Vec<&'static str>)> {
    let service = Variant { broker, ..Variant::new("service", "orders") };
    let whole = Variant { contract_first: true, streaming: true, event: true, ..service.clone() };
    let other = |template, name| Variant { broker, ..Variant::new(template, name) };
    vec![
        (service.clone(), vec!["orders"]),
        (Variant { event: true, streaming: true, ..service }, vec!["orders"]),
        (whole, vec!["orders"]),
        (other("gateway", "edge"), vec!["edge"]),
        (other("workspace", "shop"), vec!["greeter", "visits"]),
    ]
}

/// The features of skyloom with which Cargo builds a package of a project: those of what it depends on for its
/// program, not for its tests.
fn features(project: &Path, package: &str) -> Vec<String> {
    let arguments = ["tree", "--offline", "--quiet", "--edges", "normal", "--prefix", "none", "--format", "{p}|{f}"];
    let tree = ok(cargo(project).args(arguments).args(["--package", package]));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let line = tree.lines().find(|line| line.starts_with("skyloom v")).unwrap_or_else(|| panic!("{tree}"));
    let features = line.split_once('|').unwrap().1;
    features.split(',').map(|feature| feature.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn each_is_built_with_its_own_broker_and_no_other() {
    for broker in BROKERS {
        for (variant, programs) in kinds(broker) {
            let directory = tempfile::tempdir().unwrap();
            let project = variant.by_sky(directory.path());
            take_lock_file(&project);
            for program in programs {
                let features = features(&project, program);
                for other in BROKERS.into_iter().filter(|other| *other != "local") {
                    let has = features.iter().any(|feature| feature == other);
                    assert_eq!(has, other == broker, "{variant:?}: {program} has {features:?}");
                }
            }
        }
    }
}

#[test]
fn each_cluster_file_can_be_run() {
    for broker in BROKERS {
        for (variant, programs) in kinds(broker) {
            let directory = tempfile::tempdir().unwrap();
            let project = variant.by_sky(directory.path());
            take_lock_file(&project);
            // Its own configuration says where the broker is.
            let said = ok(sky(&project).args(["up", "cluster.toml", "--check"]));
            let said = String::from_utf8(said.stderr).unwrap();
            let first = match broker {
                "local" => Some("broker"),
                "amqp" | "beanstalk" => Some("registry"),
                _ => None,
            };
            let named = said.trim_end().rsplit_once("it starts ").unwrap().1;
            let mut parts: Vec<&str> = named.split(", ").collect();
            assert_eq!(parts.pop(), Some("gateway"), "{variant:?}: {said}");
            if let Some(first) = first {
                assert_eq!(parts.remove(0), first, "{variant:?}: {said}");
            }
            parts.sort_unstable();
            let services = if variant.template == "gateway" { vec![] } else { programs };
            assert_eq!(parts, services, "{variant:?}: {said}");
            // Whether its packages are there, Cargo tells, which takes longer.
            if broker != "local" {
                continue;
            }
            assert_eq!(cluster_file(&project)["state"], "ok", "{variant:?}: {}", cluster_file(&project));
        }
    }
}

/// Runs a project's `scripts/ci.sh`, which must have nothing to say.
fn ci(project: &Path) {
    take_lock_file(project);
    let mut script = Command::new(project.join("scripts/ci.sh"));
    in_project(&mut script, project);
    clean(&mut script);
}

fn made(directory: &Path, variant: &Variant, by_sky: bool) -> PathBuf {
    if by_sky { variant.by_sky(directory) } else { variant.by_cargo_generate(directory) }
}

/// A project that stands by itself passes what it calls its CI.
#[test]
fn each_kind_passes_its_own_ci() {
    let directory = tempfile::tempdir().unwrap();
    let service = Variant { contract_first: true, streaming: true, event: true, ..Variant::new("service", "bookings") };
    let kinds = [(service, true), (Variant::new("gateway", "edge"), false), (Variant::new("workspace", "shop"), false)];
    for (variant, by_sky) in kinds {
        ci(&made(directory.path(), &variant, by_sky));
    }
}

/// Where `sky` comes from that a README tells to install: the package of this crate.
#[test]
fn a_readme_tells_where_sky_comes_from() {
    let directory = tempfile::tempdir().unwrap();
    let package = env!("CARGO_PKG_NAME");
    for template in ["service", "gateway", "workspace"] {
        let install = |name: &str, way: &'static str, place: String| {
            let project = Variant { skyloom: Some((way, place)), ..Variant::new(template, name) };
            let readme =
                fs::read_to_string(project.by_sky(&directory.path().join(template)).join("README.md")).unwrap();
            let (_, rest) = readme.split_once("`cargo install --locked ").expect("how to install sky");
            rest.split('`').next().unwrap().to_owned()
        };
        let git = "https://example.org/skyloom";
        assert_eq!(install("one", "git", format!("{git}#v9")), format!("--git {git} --tag v9 {package}"));
        assert_eq!(install("two", "git", git.to_owned()), format!("--git {git} {package}"));
        assert_eq!(install("three", "version", "0.2".to_owned()), package);
        let path = install("four", "path", checkout().display().to_string());
        let manifest = Path::new(path.strip_prefix("--path ").unwrap()).join("Cargo.toml");
        assert!(fs::read_to_string(manifest).unwrap().contains(&format!("name = \"{package}\"")));
    }
}

/// The tag and the version that projects name are those of this checkout.
#[test]
fn projects_use_the_release_that_makes_them() {
    let version = env!("CARGO_PKG_VERSION");
    let (breaking, _) = version.rsplit_once('.').unwrap();
    for template in ["service", "gateway", "workspace"] {
        let recipe =
            fs::read_to_string(checkout().join("templates").join(template).join("cargo-generate.toml")).unwrap();
        let recipe: toml::Table = toml::from_str(&recipe).unwrap();
        let default = |way: &str, name: &str| {
            let asked = &recipe["conditional"][&format!("skyloom == \"{way}\"")]["placeholders"][name]["default"];
            asked.as_str().unwrap().to_owned()
        };
        assert_eq!(default("git", "skyloom_tag"), format!("v{version}"), "{template}");
        assert_eq!(default("version", "skyloom_version"), breaking, "{template}");
        let directory = tempfile::tempdir().unwrap();
        let project = Variant { skyloom: None, ..Variant::new(template, "orders") }.by_sky(directory.path());
        let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
        let from = format!("git = \"https://github.com/skyloom/skyloom\", tag = \"v{version}\"");
        assert_eq!(manifest.matches("git = ").count(), manifest.matches(&from).count(), "{manifest}");
        assert!(manifest.contains(&from), "{manifest}");
    }
}
