//! The configuration, the cluster file, and what builds it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use skyloom::config::{Sources, origins};

use super::finding::Finding;
use crate::{
    cluster::{self, Examined},
    session::Global,
};

/// The oldest Rust that builds Skyloom: its `rust-version`.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// The configuration of a process that is started here.
pub(super) fn configuration(global: &Global) -> Finding {
    const CHECK: &str = "configuration";
    let sources = Sources { flags: global.as_flags(), ..Sources::of_process(None) };
    match origins(&sources) {
        Ok(rows) => {
            let set = rows.iter().filter(|row| row.from != "default").count();
            Finding::ok(CHECK, format!("{} keys, {set} of them set", rows.len()))
        }
        Err(error) => Finding::broken(CHECK, error.to_string(), "correct it; `sky config` shows what applies"),
    }
}

/// The cluster file; and the gateway's port, if it has one.
pub(super) async fn cluster_file(path: &Path, global: &Global) -> (Vec<Finding>, Option<SocketAddr>) {
    const CHECK: &str = "cluster file";
    match cluster::examine(path, global).await {
        Ok(Examined { parts, built, port }) => {
            let mut findings = vec![Finding::ok(CHECK, format!("{}: {}", path.display(), parts.join(", ")))];
            if built {
                findings.push(rust());
            }
            (findings, port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
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

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn rust_is_new_enough_or_not() {
        let states = [None, Some("rustc 1.70.0 (90c541806 2023-05-31)"), Some("rustc 1.99.1-nightly (x)")]
            .map(|said| judge_rust(said).state);
        assert_eq!(states, [State::Broken, State::Broken, State::Ok]);
    }
}
