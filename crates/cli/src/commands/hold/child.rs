//! One generation of the program.

use std::{io, net::TcpListener, process::ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child as Process, Command};

use crate::handover::{Notice, hand_down, is_ready};

/// What comes of a program.
#[derive(Debug)]
pub(super) enum News {
    /// It has ended.
    Ended(ExitStatus),
    /// It tells its supervisor something.
    Said(String),
}

impl News {
    /// Whether it says that the program does its work.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self, Self::Said(text) if is_ready(text))
    }
}

/// One generation of the program.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    pid: Pid,
    notice: Notice,
}

impl Child {
    /// Starts it with the listening socket.
    pub(super) fn start(
        command: &[String],
        environment: &[(&'static str, String)],
        listener: &TcpListener,
    ) -> io::Result<Box<Self>> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no program"))?;
        let notice = Notice::new()?;
        let mut start = Command::new(program);
        start.args(arguments).envs(environment.iter().cloned());
        hand_down(&mut start, listener, &notice)?;
        let process = start.spawn()?;
        let pid = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
        Ok(Box::new(Self { process, pid, notice }))
    }

    /// Its process id.
    pub(super) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// What comes of it next.
    pub(super) async fn next(&mut self) -> io::Result<News> {
        tokio::select! {
            status = self.process.wait() => Ok(News::Ended(status?)),
            // A socket that fails has nothing more to say; the process goes on.
            Ok(text) = self.notice.next() => Ok(News::Said(text)),
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
