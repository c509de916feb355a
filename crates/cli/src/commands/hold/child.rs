//! One generation of the program.

use std::{
    fs::{self, DirBuilder},
    io,
    net::TcpListener,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt as _},
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    net::UnixDatagram,
    process::{Child as Process, Command},
};

/// The longest message of a program to its supervisor; systemd itself reads no more (PIPE_BUF).
const MESSAGE: usize = 4096;

/// A private directory for the sockets on which programs say that they are ready; removed when dropped.
#[derive(Debug)]
pub(super) struct Notices(PathBuf);

impl Notices {
    pub(super) fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("sky-hold-{}", std::process::id()));
        // One that a killed process of the same number has left behind.
        drop(fs::remove_dir_all(&path));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        // A directory in the place for temporary files is in nobody's way.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// What comes of a program.
#[derive(Debug)]
pub(super) enum News {
    /// It has ended.
    Ended(ExitStatus),
    /// It tells its supervisor something.
    Said(String),
}

impl News {
    /// Whether it says that the program does its work, sd_notify(3).
    pub(super) fn is_ready(&self) -> bool {
        matches!(self, Self::Said(text) if text.lines().any(|line| line == "READY=1"))
    }
}

/// One generation of the program.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    pid: Pid,
    notices: UnixDatagram,
    socket: PathBuf,
}

impl Child {
    /// Starts it with the listening socket as its standard input, which is the one place to which the standard
    /// library hands a file down, and says so as a supervisor does: `LISTEN_FDS`, with `LISTEN_FDS_FIRST_FD` of
    /// listenfd and systemfd. Without `LISTEN_PID` any process may take it, which the number cannot be known for.
    pub(super) fn start(
        command: &[String],
        environment: &[(&'static str, String)],
        listener: &TcpListener,
        notices: &Notices,
        generation: u64,
    ) -> io::Result<Box<Self>> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no program"))?;
        let socket = notices.0.join(generation.to_string());
        let heard = UnixDatagram::bind(&socket)?;
        let listening: OwnedFd = listener.try_clone()?.into();
        let mut start = Command::new(program);
        start.args(arguments).envs(environment.iter().cloned()).stdin(Stdio::from(listening));
        start.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", "0").env("NOTIFY_SOCKET", &socket);
        for told in ["LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID"] {
            start.env_remove(told);
        }
        let process = start.spawn()?;
        let pid = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
        Ok(Box::new(Self { process, pid, notices: heard, socket }))
    }

    /// Its process id.
    pub(super) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// What comes of it next.
    pub(super) async fn next(&mut self) -> io::Result<News> {
        let mut message = [0; MESSAGE];
        tokio::select! {
            status = self.process.wait() => Ok(News::Ended(status?)),
            // A socket that fails has nothing more to say; the process goes on.
            Ok(length) = self.notices.recv(&mut message) => {
                Ok(News::Said(String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned()))
            }
        }
    }

    /// Waits until it has ended. What it says meanwhile is taken from it, so that it can go on.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let News::Ended(status) = self.next().await? {
                return Ok(status);
            }
        }
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        // Once it was waited for, its number may belong to somebody else.
        if self.process.id().is_some() {
            // An error means that it has ended already.
            let _ = kill_process(self.pid, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.socket));
    }
}
