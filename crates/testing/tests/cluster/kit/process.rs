//! One process.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::program;

/// A child that is killed when the test is done with it; its streams are the test's own.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A process that is killed when the test is done with it.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program of the workspace; what it says goes into a file in the directory.
    pub(crate) fn start(name: &str, arguments: &[&str], environment: &[(&str, &str)], directory: &Path) -> Self {
        let mut command = Command::new(program(name));
        command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
        Self::run(command, name, directory)
    }

    /// Starts a command in the directory; what it says goes into a file there.
    pub(crate) fn run(mut command: Command, name: &str, directory: &Path) -> Self {
        let log = directory.join(format!("{name}-{}.log", fastrand::u32(..)));
        let output = File::create(&log).unwrap();
        command.current_dir(directory).stdout(output.try_clone().unwrap()).stderr(output);
        Self { child: command.spawn().unwrap(), log }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has said this so many times.
    pub(crate) async fn says(&self, what: &str, times: usize) {
        super::eventually(&format!("{what:?} is said {times} times"), || async {
            self.said().matches(what).count() >= times
        })
        .await;
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(40);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "process {} does not end; it said:\n{}", self.id(), self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks it to end, as an operator does, and waits until it has.
    pub(crate) async fn terminated(&mut self) {
        self.signal(Signal::TERM);
        let status = self.ended().await;
        assert!(status.success(), "it ends with {status}; it said:\n{}", self.said());
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {} said:\n{}", self.log.display(), self.said());
        }
    }
}
