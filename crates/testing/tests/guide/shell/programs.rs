//! The programs of the workspace.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use crate::page::root;

/// Says that the programs are built already, as they are when all tests run.
const BUILT_ALREADY: &str = "CLUSTER_NO_BUILD";

/// Where they are, built if they have to be.
pub(crate) fn directory() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let directory = test.parent().unwrap().parent().unwrap().to_owned();
        if std::env::var_os(BUILT_ALREADY).is_none() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(root());
            if directory.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success(), "the programs build");
        }
        directory
    })
}

/// One of them.
pub(crate) fn program(name: &str) -> PathBuf {
    directory().join(name)
}
