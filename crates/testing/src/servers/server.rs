//! [`Server`]: one that runs.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, ChildStdin, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::Launch;

/// How long a server may take to accept connections, however slow the machine.
const STARTING: Duration = Duration::from_secs(60);

/// How long its threads may take to stop.
const FREEZING: Duration = Duration::from_secs(10);

/// Starts the server, says its process id, and waits to be told how to end it. If whoever started it is gone,
/// however he went, it ends the server and removes what it leaves behind.
const KEEPER: &str = r#"
log=$1; at_end=$2; shift 2
"$@" < /dev/null >> "$log" 2>&1 &
server=$!
echo "$server"
read -r how
case "$how" in
    gently) kill -TERM "$server"; wait "$server" ;;
    at-once) kill -KILL "$server"; wait "$server" ;;
    *) kill -KILL "$server"; wait "$server"; eval "$at_end"; rm -rf "$(dirname "$log")" ;;
esac
"#;

/// A server that runs until it is dropped, or until the test's process has ended in whatever way.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    keeper: Option<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    shell: Child,
    /// Closing it ends the server, too.
    orders: ChildStdin,
    server: Pid,
}

/// Whether every thread of a process is stopped, by the state behind its name, proc(5).
fn is_stopped(process: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).expect("the server runs");
    threads.filter_map(Result::ok).all(|thread| {
        // One that has ended meanwhile does not run either.
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with(['T', 't']))
    })
}

impl Server {
    /// Starts it and waits until its port accepts connections.
    ///
    /// # Panics
    /// If it ends at once or does not accept connections in time; its log is in the message.
    #[must_use]
    pub fn start(launch: Launch) -> Self {
        let mut server = Self { launch, keeper: None };
        server.restart();
        server
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.launch.port
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.launch.directory
    }

    /// What it has written to its standard output and error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.launch.directory.join("server.log")).unwrap_or_default()
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) {
        self.end(b"at-once\n");
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) {
        self.end(b"gently\n");
    }

    fn end(&mut self, how: &[u8]) {
        if let Some(mut keeper) = self.keeper.take() {
            // A keeper that is gone has ended the server.
            drop(keeper.orders.write_all(how));
            keeper.end();
        }
    }

    /// Stops its execution: it neither answers nor closes a connection. When this returns, none of its threads runs.
    ///
    /// # Panics
    /// If it does not run, or goes on.
    pub fn freeze(&self) {
        let server = self.signal(Signal::STOP);
        let end = Instant::now() + FREEZING;
        while !is_stopped(server) {
            assert!(Instant::now() < end, "the server goes on although it was told to stop");
            sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on after [`Server::freeze`].
    ///
    /// # Panics
    /// If it does not run.
    pub fn thaw(&self) {
        let _ = self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) -> Pid {
        let server = self.keeper.as_ref().expect("the server runs").server;
        kill_process(server, signal).expect("the server runs");
        server
    }

    /// Starts it anew on the same port and in the same directory, after [`Server::kill`] or [`Server::terminate`].
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn restart(&mut self) {
        let Launch { program, arguments, environment, directory, .. } = &self.launch;
        let mut shell = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(directory.join("server.log"))
            .arg(&self.launch.at_end)
            .arg(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let mut line = String::new();
        let mut said = BufReader::new(shell.stdout.take().expect("it is piped"));
        said.read_line(&mut line).expect("the keeper says the process id");
        let server = line.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        let orders = shell.stdin.take().expect("it is piped");
        self.keeper = Some(Keeper { shell, orders, server });
        self.await_port();
    }

    /// Removes what the server has left behind.
    fn clean(&self) {
        let status = Command::new("sh").args(["-c", &self.launch.at_end]).stderr(Stdio::null()).status();
        drop((status, fs::remove_dir_all(&self.launch.directory)));
    }

    fn await_port(&self) {
        let began = Instant::now();
        let server = self.keeper.as_ref().expect("it was started").server;
        while TcpStream::connect(("127.0.0.1", self.launch.port)).is_err() {
            let runs = rustix::process::test_kill_process(server).is_ok();
            assert!(runs && began.elapsed() < STARTING, "{} did not start:\n{}", self.launch.program, self.log());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Keeper {
    fn end(self) {
        let Self { mut shell, orders, .. } = self;
        drop(orders);
        // It ends as soon as the server has.
        drop(shell.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.keeper.take() {
            Some(keeper) => keeper.end(),
            None => self.clean(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_ends_with_its_handle_and_leaves_nothing() {
        let launch = Launch::new("redis-server");
        let port = launch.port().to_string();
        let mut server = Server::start(launch.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]));
        server.kill();
        assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
        server.restart();
        server.terminate();
        assert!(server.log().contains("bye bye"), "{}", server.log());
        server.restart();
        let (port, directory) = (server.port(), server.directory().to_owned());
        drop(server);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err() && !directory.exists());
    }
}
