//! A cluster file and `sky up` on it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::ground::{PATIENCE, Said, command, hello_program, run, until};

/// A directory with a cluster file, and `sky up` in it.
pub(crate) struct Cluster {
    directory: TempDir,
    pub(crate) port: u16,
    pub(crate) up: Option<Child>,
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The process id of a process in the state.
pub(crate) fn pid(process: &Value) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process["pid"].as_i64()?).ok()?)
}

impl Cluster {
    pub(crate) fn new(file: &str) -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = file.replace("HELLO", &hello_program().display().to_string()).replace("PORT", &port.to_string());
        fs::write(directory.path().join("cluster.toml"), file).unwrap();
        Self { directory, port, up: None }
    }

    /// Changes the cluster file, as an editor saves it.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("cluster.toml")).unwrap();
        assert!(text.contains(from), "no {from:?} in:\n{text}");
        fs::write(self.path("cluster.toml.new"), text.replace(from, to)).unwrap();
        fs::rename(self.path("cluster.toml.new"), self.path("cluster.toml")).unwrap();
    }

    /// Waits until the screen shows this.
    pub(crate) async fn says(&self, what: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.screen().contains(what) {
            assert!(Instant::now() < end, "waited in vain for {what:?} in:\n{}", self.screen());
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn url(&self) -> String {
        format!("unix:{}", self.path("b.sock").display())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut sky = command();
        // As a flag it would win over what a cluster file says.
        sky.env("SKYLOOM_BROKER", self.url()).args(arguments).current_dir(self.directory.path());
        // What a test builds is its own.
        sky.env("CARGO_TARGET_DIR", self.path("target")).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        sky
    }

    /// Runs `sky up`, which is expected to end at once.
    pub(crate) async fn refused(&self, more: &[&str]) -> Said {
        run(self.command(&[&["up", "cluster.toml"], more].concat()), "").await
    }

    pub(crate) fn start(&mut self, more: &[&str]) {
        let sky = self.command(&[&["up", "cluster.toml", "--dir", "run"], more].concat());
        self.start_as(sky);
    }

    /// Starts this command, which is `sky up` in some way.
    pub(crate) fn start_as(&mut self, mut sky: Command) {
        let log = fs::File::create(self.path("screen.log")).unwrap();
        self.up = Some(sky.stderr(Stdio::from(log)).spawn().unwrap());
    }

    /// Starts it and waits until everything is ready.
    pub(crate) async fn start_and_wait(&mut self, more: &[&str]) {
        self.start(more);
        until("the cluster", || self.state()["ready"] == true).await;
    }

    pub(crate) fn state(&self) -> Value {
        fs::read(self.path("run/state.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn process(&self, name: &str) -> Value {
        let state = self.state();
        let processes = state["processes"].as_array().cloned().unwrap_or_default();
        processes.into_iter().find(|process| process["name"] == name).unwrap_or_default()
    }

    pub(crate) fn screen(&self) -> String {
        fs::read_to_string(self.path("screen.log")).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.up.as_ref().unwrap().id().cast_signed();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for the end of `sky up` and gives its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let mut up = self.up.take().unwrap();
        let mut status = None;
        until("sky up to end", || {
            status = up.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.and_then(|status| status.code())
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(mut up) = self.up.take() else { return };
        // A test that failed leaves nothing behind.
        for process in self.state()["processes"].as_array().into_iter().flatten().filter_map(pid) {
            let _ = rustix::process::kill_process_group(process, Signal::KILL);
        }
        drop(up.kill());
        drop(up.wait());
    }
}
