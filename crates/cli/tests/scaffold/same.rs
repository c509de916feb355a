//! Both tools make the same of the same templates.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    tools::{checkout, ok},
    tree::files,
    variant::{BROKERS, Variant},
};

/// Makes a variant with both tools, in folders that look the same to them, and compares.
fn compare(variant: &Variant) {
    let directory = tempfile::tempdir().unwrap();
    compare_in(directory.path(), variant);
}

fn compare_in(directory: &Path, variant: &Variant) {
    let ours = files(&variant.by_sky(&directory.join("sky")));
    let theirs = files(&variant.by_cargo_generate(&directory.join("cargo-generate")));
    assert!(ours.contains_key("Cargo.toml") && ours["scripts/ci.sh"].executable, "{variant:?}: {:?}", ours.keys());
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{variant:?}");
    for (path, file) in &ours {
        assert_eq!(*file, theirs[path], "{variant:?}: {path}");
    }
}

#[test]
fn every_variant_of_a_service() {
    for broker in BROKERS {
        for form in Variant::forms(|_| "order-book".to_owned()) {
            compare(&Variant { broker, ..form });
        }
    }
}

#[test]
fn gateways_and_workspaces() {
    for template in ["gateway", "workspace"] {
        for broker in BROKERS {
            compare(&Variant { broker, ..Variant::new(template, "shop") });
        }
    }
}

#[test]
fn names_and_places_of_every_kind() {
    for name in ["orders", "order_book", "s3-proxy", "the-longest-name-there-can-be1"] {
        compare(&Variant { contract_first: true, event: true, ..Variant::new("service", name) });
    }
    for skyloom in [
        None,
        Some(("git", "https://example.org/skyloom")),
        Some(("git", "https://example.org/skyloom#v9")),
        Some(("version", "0.2")),
    ] {
        let skyloom = skyloom.map(|(way, place)| (way, place.to_owned()));
        for template in ["service", "gateway", "workspace"] {
            compare(&Variant { skyloom: skyloom.clone(), ..Variant::new(template, "orders") });
        }
    }
}

#[test]
fn within_a_cargo_project() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("Cargo.toml"), "[workspace]\nmembers = ['*/*']\n").unwrap();
    for template in ["service", "gateway"] {
        compare_in(directory.path(), &Variant::new(template, "orders-in-a-workspace"));
        for tool in ["sky", "cargo-generate"] {
            fs::remove_dir_all(directory.path().join(tool)).unwrap();
        }
    }
}

#[test]
fn from_a_repository() {
    let directory = tempfile::tempdir().unwrap();
    let repository = directory.path().join("skyloom");
    fs::create_dir(&repository).unwrap();
    ok(Command::new("cp").arg("-r").arg(checkout().join("templates")).arg(&repository));
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "-m", "Templates"],
    ] {
        ok(Command::new("git").args(arguments).stdin(Stdio::null()).current_dir(&repository));
    }
    let variant = Variant { contract_first: true, ..Variant::new("service", "orders") };
    let place = ["--git", repository.to_str().unwrap(), "templates/service"];
    let theirs = files(&variant.generate(&directory.path().join("cargo-generate"), &place));
    assert_eq!(files(&variant.by_sky(&directory.path().join("sky"))), theirs);
}
