//! The workspace's own programs, for tests that run them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Says that the programs are built already, as they are when all tests run.
const BUILT_ALREADY: &str = "CLUSTER_NO_BUILD";

/// The root of the workspace.
///
/// # Panics
/// If it is gone.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// Where the programs are, which are built if they have to be: beside the test that runs.
///
/// # Panics
/// If they cannot be built.
#[must_use]
pub fn directory() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("the test knows its own path");
        // A test lies in `deps`.
        let directory = test.ancestors().nth(2).expect("it lies in a target directory").to_owned();
        if std::env::var_os(BUILT_ALREADY).is_none() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root());
            if directory.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().is_ok_and(|status| status.success()), "the programs build");
        }
        directory
    })
}

/// One of the programs.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let beside = directory().join(name);
    if beside.exists() { beside } else { directory().join("examples").join(name) }
}
