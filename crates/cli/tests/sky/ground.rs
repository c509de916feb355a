//! A broker for one test, and `sky` to ask it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use skyloom::{App, Connection, Settings, worker::Running};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::echo::Echo;

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The command, without anything that the environment of the tests may have configured.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sky"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKYLOOM_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// The smallest service as a program.
pub(crate) fn hello_program() -> PathBuf {
    example("hello")
}

/// A program that is an example of this crate, so that it is built with the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_sky")).with_file_name("examples").join(name);
    assert!(program.exists(), "{} is missing: cargo build -p skyloom-cli --examples", program.display());
    program
}

/// What a command has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The sentence on standard error of a command that ended with this code and wrote nothing else.
    #[track_caller]
    pub(crate) fn sentence(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        let sentence = self.err.strip_prefix("sky: ").unwrap_or_else(|| panic!("{self:?}")).trim_end();
        assert!(!sentence.contains("panicked"), "{self:?}");
        sentence
    }
}

/// Runs a command to its end, with this on its standard input.
pub(crate) async fn run(mut command: Command, input: &str) -> Said {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).unwrap();
    }
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = tokio::time::timeout(PATIENCE, output).await.expect("the command hangs").unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A broker, a process of its own, that ends with the test.
pub(crate) struct Ground {
    pub(crate) directory: TempDir,
    pub(crate) url: String,
    broker: Child,
}

impl Ground {
    /// Starts a broker.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("b.sock");
        let url = format!("unix:{}", socket.display());
        let mut broker = command();
        broker.args(["broker", "--listen", &url]).stderr(Stdio::null());
        let broker = broker.spawn().unwrap();
        let ground = Self { directory, url, broker };
        until("the broker", || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        ground
    }

    /// A broker with the tests' service, which runs in the test's own process.
    pub(crate) async fn with_echo() -> (Self, Echo, Running) {
        let ground = Self::new().await;
        let echo = Echo::default();
        let app = App::with_settings(Settings::default()).serve(echo.clone());
        let running = app.start(&ground.connection().await).await.unwrap();
        (ground, echo, running)
    }

    /// A connection of the test's own.
    pub(crate) async fn connection(&self) -> Connection {
        skyloom::connect(&self.url).await.unwrap()
    }

    /// `sky` with this broker.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(arguments).env("SKYLOOM_BROKER", &self.url).current_dir(self.directory.path());
        command
    }

    /// Runs `sky` with this broker to its end.
    pub(crate) async fn sky(&self, arguments: &[&str]) -> Said {
        run(self.command(arguments), "").await
    }

    /// Runs `sky`, which must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> impl Future<Output = Said> {
        let command = self.command(arguments);
        async move {
            let said = run(command, "").await;
            assert_eq!(said.code, 0, "{said:?}");
            said
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(self.broker.kill());
        drop(self.broker.wait());
    }
}
