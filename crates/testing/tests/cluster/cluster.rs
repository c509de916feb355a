//! A cluster as a newcomer starts it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::{free_port, program, root};

/// A cluster started by the script; stopped by the script when dropped.
pub(crate) struct Cluster {
    run: TempDir,
    /// The gateway's port.
    pub(crate) port: u16,
}

/// All that a command has printed.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs the script for the cluster in this directory.
pub(crate) fn script(run: &Path, arguments: &[&str]) -> Output {
    command(run, arguments).output().unwrap()
}

fn command(run: &Path, arguments: &[&str]) -> Command {
    // The script builds what is not built yet, into the place where this test was built.
    let target = program("sky").parent().unwrap().parent().unwrap().to_owned();
    let mut script = Command::new(root().join("scripts/cluster.sh"));
    script.args(arguments).env("CLUSTER_RUN", run).env("CARGO_TARGET_DIR", target);
    script
}

impl Cluster {
    /// Starts one and waits until it is ready.
    pub(crate) fn up(arguments: &[&str]) -> Self {
        Self::up_with(&[], arguments)
    }

    /// Starts one whose processes have these variables in their environment.
    pub(crate) fn up_with(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let cluster = Self { run: tempfile::Builder::new().prefix("sky").tempdir().unwrap(), port: free_port() };
        let port = cluster.port.to_string();
        let mut script = command(cluster.run.path(), &[&["up", "--port", &port], arguments].concat());
        let output = script.envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("Hello, Ada!"), "{}", said(&output));
        cluster
    }

    /// Runs the script.
    pub(crate) fn script(&self, arguments: &[&str]) -> Output {
        script(self.run.path(), arguments)
    }

    /// What the cluster says of itself.
    fn state(&self, key: &str) -> Option<String> {
        let state = fs::read(self.run.path().join("state.json")).unwrap();
        let state: Value = serde_json::from_slice(&state).unwrap();
        state[key].as_str().map(str::to_owned)
    }

    /// The broker's URL.
    pub(crate) fn broker(&self) -> String {
        self.state("broker").unwrap()
    }

    /// Where its services find each other, as variables of their environment.
    pub(crate) fn endpoints(&self) -> Vec<(&'static str, String)> {
        let registry = self.state("registry").map(|url| ("SKYLOOM_REGISTRY", url));
        [("SKYLOOM_BROKER", self.broker())].into_iter().chain(registry).collect()
    }

    /// Where its processes write.
    pub(crate) fn directory(&self) -> &Path {
        self.run.path()
    }

    /// The processes that have been started for it and run.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mark = format!("CLUSTER_RUN={}\0", self.run.path().display());
        let belongs = |environment: &[u8]| environment.windows(mark.len()).any(|part| part == mark.as_bytes());
        let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let runs = |id: &i32| fs::read(format!("/proc/{id}/environ")).is_ok_and(|found| belongs(&found));
        ids.filter(runs).collect()
    }

    /// The process of `sky up`.
    pub(crate) fn pid(&self) -> i32 {
        fs::read_to_string(self.run.path().join("cluster.pid")).unwrap().trim().parse().unwrap()
    }

    /// Starts it again, after it is down.
    pub(crate) fn again(&self) {
        let output = self.script(&["up", "--port", &self.port.to_string()]);
        assert!(output.status.success(), "{}", said(&output));
    }

    /// Runs `sky` on the cluster's broker and registry.
    pub(crate) fn sky(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `sky` on the cluster's broker and registry.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut sky = Command::new(program("sky"));
        sky.args(arguments).envs(self.endpoints());
        sky
    }

    /// Runs `sky` and reads what it prints.
    pub(crate) fn sky_json(&self, arguments: &[&str]) -> Value {
        let output = self.sky(arguments);
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It is down already, unless the test has failed.
        let output = self.script(&["down"]);
        if std::thread::panicking() {
            let log = fs::read_to_string(self.run.path().join("cluster.log")).unwrap_or_default();
            eprintln!("--- down said: {}\n--- the cluster said:\n{log}", said(&output));
        }
    }
}
