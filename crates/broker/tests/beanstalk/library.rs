//! A client library's own suite, unchanged, against our door: that of fivebeans, for Node.js, which its package brings
//! along.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::ours::Ours;

/// The library, and what its suite is written with.
const PACKAGES: [&str; 3] = ["fivebeans@1.5.0", "mocha@3.0.2", "must@0.13.2"];

/// It fails on any server, for it expects the error numbers of a Node.js of long ago.
const OUTDATED: &str = "emits the error event on failure";

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

/// The certificates that the system trusts, where Debian and others have them. Node.js has its own and asks for these by
/// a variable; behind a company's proxy it needs them.
const CERTIFICATES: (&str, &str) = ("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt");

/// Where the packages are.
fn modules() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fivebeans");
    let modules = directory.join("node_modules");
    if !modules.join("must").exists() {
        let flags = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
        let mut npm = Command::new("npm");
        let (variable, system) = CERTIFICATES;
        if std::env::var_os(variable).is_none() && Path::new(system).exists() {
            npm.env(variable, system);
        }
        done(npm.args(flags).arg(&directory).args(PACKAGES));
    }
    modules
}

#[test]
fn fivebeans_suite_passes() {
    let (modules, ours) = (modules(), Ours::start());
    let preload = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beanstalk/fivebeans/port.js");
    let mut suite = Command::new("node");
    suite.arg("--require").arg(preload).arg(modules.join("mocha/bin/_mocha"));
    suite.args(["--timeout", "20000", "--reporter", "spec", "--grep", OUTDATED, "--invert", "test/"]);
    let said = done(suite.env("PORT", ours.port.to_string()).current_dir(modules.join("fivebeans")));
    let passed = said.lines().find_map(|line| line.trim().split_once(" passing")?.0.parse().ok());
    assert!(passed.is_some_and(|passed: u32| passed >= 50), "{said}");
}
