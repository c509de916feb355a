//! The configuration, the cluster file, and what builds it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use skyloom::{
    Endpoints, Settings,
    config::{Sources, origins},
};

use super::finding::Finding;
use crate::{
    cluster::{self, Examined, Place},
    session::Global,
};

/// The oldest Rust that builds Skyloom: its `rust-version`.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// The configuration that comes from these.
pub(super) fn configuration(sources: &Sources) -> Finding {
    const CHECK: &str = "configuration";
    match origins(sources) {
        Ok(rows) => {
            let set = rows.iter().filter(|row| row.from != "default").count();
            Finding::ok(CHECK, format!("{} keys, {set} of them set", rows.len()))
        }
        Err(error) => Finding::broken(CHECK, error.to_string(), "correct it; `sky config` shows what applies"),
    }
}

/// What a cluster file has that others look at, too.
#[derive(Debug)]
pub(super) struct Cluster {
    /// The gateway's address, if it has one.
    pub(super) gateway: Option<SocketAddr>,
    /// Its services' names.
    pub(super) services: Vec<String>,
    /// Where its broker and its registry are.
    pub(super) endpoints: Endpoints,
}

/// The cluster file, and what it has; nothing if it has a mistake.
pub(super) async fn cluster_file(
    place: &Place,
    global: &Global,
    settings: &Settings,
) -> (Vec<Finding>, Option<Cluster>) {
    const CHECK: &str = "cluster file";
    let path = place.given();
    match cluster::examine(place, global, settings).await {
        Ok(Examined { parts, services, built, port, endpoints }) => {
            let mut findings = vec![Finding::ok(CHECK, format!("{}: {}", path.display(), parts.join(", ")))];
            if built {
                findings.push(rust());
                findings.extend(skyloom(path));
            }
            let gateway = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            (findings, Some(Cluster { gateway, services, endpoints }))
        }
        Err(failure) => {
            (vec![Finding::broken(CHECK, failure.to_string(), "correct it; `sky up --help` shows one")], None)
        }
    }
}

/// Whether Rust is new enough to build the cluster's packages.
fn rust() -> Finding {
    let answer = Command::new("rustc").arg("--version").output();
    let said = answer.ok().filter(|answer| answer.status.success());
    judge_rust(said.map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned()).as_deref())
}

fn judge_rust(said: Option<&str>) -> Finding {
    const CHECK: &str = "rust";
    let Some(said) = said else {
        return Finding::broken(CHECK, "rustc is not in PATH", "install Rust from https://rustup.rs");
    };
    let version = said.split_whitespace().nth(1).unwrap_or_default();
    let numbers = |text: &str| -> Vec<u32> { text.split(['.', '-']).map_while(|part| part.parse().ok()).collect() };
    if numbers(version) < numbers(RUST) {
        return Finding::broken(CHECK, format!("rustc {version} is older than {RUST}"), "rustup update");
    }
    Finding::ok(CHECK, format!("rustc {version}"))
}

/// Whether the project around a cluster file uses the skyloom of this `sky`; nothing if it has none, or was never built.
fn skyloom(cluster_file: &Path) -> Option<Finding> {
    let folder = cluster_file.canonicalize().ok()?;
    let lock = folder.ancestors().skip(1).find_map(|folder| fs::read_to_string(folder.join("Cargo.lock")).ok())?;
    let lock: toml::Table = toml::from_str(&lock).ok()?;
    let mut packages = lock.get("package")?.as_array()?.iter();
    let package = packages.find(|package| package.get("name").and_then(toml::Value::as_str) == Some("skyloom"))?;
    Some(judge_skyloom(package.get("version")?.as_str()?, env!("CARGO_PKG_VERSION")))
}

fn judge_skyloom(used: &str, own: &str) -> Finding {
    const CHECK: &str = "skyloom";
    // Before 1.0 the second number is the one that breaks.
    let breaking = |version: &str| {
        let mut numbers = version.split(['.', '-', '+']).map(str::to_owned);
        let first = numbers.next().unwrap_or_default();
        (first == "0").then(|| numbers.next()).flatten().unwrap_or(first)
    };
    if breaking(used) == breaking(own) && used.starts_with("0.") == own.starts_with("0.") {
        return Finding::ok(CHECK, format!("the project uses {used}, which this sky ({own}) goes with"));
    }
    let advice = format!("install the sky of {used}, or change skyloom's version in Cargo.toml and run `cargo update`");
    Finding::note(CHECK, format!("the project uses skyloom {used} and this sky is {own}"), advice)
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn versions_go_together_or_not() {
        for (used, own, state) in [
            ("0.1.0", "0.1.0", State::Ok),
            ("0.1.3", "0.1.0", State::Ok),
            ("0.2.0", "0.1.0", State::Note),
            ("1.0.0", "0.1.0", State::Note),
            ("1.2.0", "1.0.0", State::Ok),
            ("2.0.0-rc.1", "1.0.0", State::Note),
        ] {
            assert_eq!(judge_skyloom(used, own).state, state, "{used} {own}");
        }
    }

    #[test]
    fn the_projects_version_is_in_its_lock_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("cluster.toml");
        std::fs::write(&file, "").unwrap();
        std::fs::write(directory.path().join("Cargo.lock"), "[[package]]\nname = 'skyloom'\nversion = '99.0.0'\n")
            .unwrap();
        let found = skyloom(&file).unwrap();
        assert_eq!(found.state, State::Note);
        assert!(found.found.starts_with("the project uses skyloom 99.0.0 and this sky is "), "{}", found.found);
    }

    #[test]
    fn rust_is_new_enough_or_not() {
        let states = [None, Some("rustc 1.70.0 (90c541806 2023-05-31)"), Some("rustc 1.99.1-nightly (x)")]
            .map(|said| judge_rust(said).state);
        assert_eq!(states, [State::Broken, State::Broken, State::Ok]);
    }
}
