//! Where the workspace's programs are.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Says that the programs are built already, as they are when all tests run.
const BUILT_ALREADY: &str = "CLUSTER_NO_BUILD";

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program of the workspace, built if it has to be.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let directory = test.parent().unwrap().parent().unwrap().to_owned();
        if std::env::var_os(BUILT_ALREADY).is_some() {
            return directory;
        }
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root());
        if directory.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the programs build");
        directory
    });
    let beside = directory.join(name);
    if beside.exists() { beside } else { directory.join("examples").join(name) }
}
