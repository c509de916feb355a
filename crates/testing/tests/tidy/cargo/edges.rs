//! Which crate may depend on which: nothing points back.

use std::collections::HashMap;

use super::manifest::{Manifest, Purpose};
use crate::finding::Finding;

const RULE: &str = "crate edge";

/// The crates of the workspace, by folder, and those that each may be built on.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("core", &[]),
    ("macros", &[]),
    ("build", &[]),
    ("broker", &["core"]),
    ("broker-adapters", &["core", "broker"]),
    ("service-registry", &["core", "broker", "broker-adapters"]),
    ("skyloom", &["core", "macros", "build", "broker", "broker-adapters", "service-registry"]),
    ("gateway", &["skyloom"]),
    // A cluster in a test is services, their broker and registry, and the gateway.
    ("testing", &["core", "broker", "broker-adapters", "service-registry", "skyloom", "gateway"]),
    ("cli", &["skyloom", "gateway"]),
];

/// Examples are written as a user writes, on the facade alone, so that it is missing nothing.
const EXAMPLES: &str = "examples";

/// Crates that have none of ours below them, not even for their tests.
const PURE: [&str; 3] = ["core", "macros", "build"];

pub(super) fn check(manifests: &[Manifest<'_>]) -> Vec<Finding> {
    let ours: HashMap<&str, &str> = manifests.iter().filter_map(|one| Some((one.package()?, one.folder()))).collect();
    manifests.iter().filter(|manifest| manifest.is_crate()).flat_map(|manifest| check_one(manifest, &ours)).collect()
}

fn check_one(manifest: &Manifest<'_>, ours: &HashMap<&str, &str>) -> Vec<Finding> {
    let own = manifest.folder();
    let name = own.strip_prefix("crates/").unwrap_or_default();
    let known = own.starts_with("services/") || own == EXAMPLES || ALLOWED.iter().any(|(known, _)| *known == name);
    if !known {
        let advice = format!("`{own}` is not in the table of crates; a new crate needs a reason and a row there");
        return vec![manifest.finding("name", RULE, advice)];
    }
    let mut findings = Vec::new();
    for dependency in manifest.dependencies() {
        let Some(other) = ours.get(dependency.name.as_str()) else { continue };
        if !allowed(own, other, dependency.purpose) {
            let advice =
                format!("`{own}` may not depend on `{other}`; turn the dependency round, or use a port of core");
            findings.push(manifest.finding(&dependency.name, RULE, advice));
        }
    }
    findings
}

fn allowed(own: &str, other: &str, purpose: Purpose) -> bool {
    let below = other.strip_prefix("crates/");
    let Some(own) = own.strip_prefix("crates/") else {
        return service_allowed(own.trim_start_matches("services/"), below, purpose);
    };
    let listed =
        ALLOWED.iter().any(|(name, listed)| *name == own && below.is_some_and(|other| listed.contains(&other)));
    let pure = PURE.contains(&own);
    match purpose {
        Purpose::Normal => listed,
        Purpose::Build => listed || !pure && below == Some("build"),
        Purpose::Dev => listed || !pure,
    }
}

/// A service stands on the facade; only two of them have a reason for more.
fn service_allowed(own: &str, below: Option<&str>, purpose: Purpose) -> bool {
    match (purpose, below) {
        (Purpose::Dev, _) | (Purpose::Normal, Some("skyloom")) | (Purpose::Build, Some("build")) => true,
        (Purpose::Normal, Some("gateway")) => ["gateway", "onebox"].contains(&own),
        // The same services in one process.
        (Purpose::Normal, None) => own == "onebox",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::manifest::Manifest, check};

    const FOLDERS: [&str; 13] = [
        "crates/core",
        "crates/macros",
        "crates/build",
        "crates/broker",
        "crates/broker-adapters",
        "crates/service-registry",
        "crates/testing",
        "crates/skyloom",
        "crates/gateway",
        "crates/cli",
        "services/qr",
        "services/gateway",
        "services/onebox",
    ];

    /// Whether an edge between two folders is refused.
    fn refused(own: &str, section: &str, other: &str) -> bool {
        let files: Vec<(String, String)> = FOLDERS
            .iter()
            .chain((!FOLDERS.contains(&own)).then_some(&own))
            .map(|folder| {
                let edge = if *folder == own { format!("[{section}]\n\"{other}\" = '1'\n") } else { String::new() };
                (format!("{folder}/Cargo.toml"), format!("[package]\nname = '{folder}'\n{edge}"))
            })
            .collect();
        let manifests: Vec<_> = files.iter().map(|(path, text)| Manifest::parse(path, text).unwrap()).collect();
        !check(&manifests).is_empty()
    }

    #[test]
    fn edges_that_point_back_are_found() {
        for (own, other) in [
            ("crates/core", "crates/macros"),
            ("crates/macros", "crates/core"),
            ("crates/broker", "crates/broker-adapters"),
            ("crates/broker-adapters", "crates/service-registry"),
            ("crates/service-registry", "crates/skyloom"),
            ("crates/skyloom", "crates/testing"),
            ("crates/skyloom", "crates/gateway"),
            ("crates/gateway", "crates/core"),
            ("crates/gateway", "crates/cli"),
            ("crates/cli", "crates/broker"),
            ("crates/cli", "services/qr"),
            ("services/qr", "crates/core"),
            ("services/qr", "crates/gateway"),
            ("services/qr", "services/onebox"),
            ("examples", "crates/core"),
            ("examples", "crates/testing"),
        ] {
            assert!(refused(own, "dependencies", other), "{own} -> {other}");
        }
        assert!(refused("crates/core", "dev-dependencies", "crates/broker-adapters"));
        assert!(refused("crates/broker", "build-dependencies", "crates/macros"));
        assert!(refused("services/qr", "target.'cfg(unix)'.dependencies", "crates/core"));
    }

    #[test]
    fn edges_of_the_design_are_right() {
        for (own, other) in [
            ("crates/broker", "crates/core"),
            ("crates/testing", "crates/service-registry"),
            ("crates/skyloom", "crates/macros"),
            ("crates/cli", "crates/gateway"),
            ("services/qr", "crates/skyloom"),
            ("services/gateway", "crates/gateway"),
            ("services/onebox", "services/qr"),
        ] {
            assert!(!refused(own, "dependencies", other), "{own} -> {other}");
        }
        assert!(!refused("crates/broker", "dev-dependencies", "crates/testing"));
        assert!(!refused("services/qr", "build-dependencies", "crates/build"));
        assert!(!refused("examples", "dependencies", "crates/skyloom"));
        assert!(!refused("examples", "dev-dependencies", "crates/testing"));
        assert!(!refused("crates/core", "dependencies", "a crate of somebody else"));
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert!(refused("crates/extra", "dependencies", "crates/core"));
        assert!(refused("tools/extra", "dependencies", "crates/core"));
    }
}
