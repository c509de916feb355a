//! One generation of the program.

use std::{io, net::TcpListener, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child as Process, Command},
    time::{Instant, timeout_at},
};

use crate::handover::{Notice, hand_down, is_ready, more_time};

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
        notice.name_to(&mut start);
        hand_down(&mut start, listener)?;
        // In a group of its own, so that a terminal's Ctrl-C reaches only the holder, which then asks it to drain: a
        // second signal would end it at once.
        let process = start.process_group(0).spawn()?;
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

    /// The same, but for no longer than this, or than it says that it needs; none if it has not ended by then. `said` is
    /// given what it says.
    pub(super) async fn ended_within(
        &mut self,
        grace: Duration,
        mut said: impl FnMut(&str),
    ) -> Option<io::Result<ExitStatus>> {
        let mut end = Instant::now() + grace;
        loop {
            match timeout_at(end, self.next()).await.ok()? {
                Ok(News::Said(text)) => {
                    said(&text);
                    end = more_time(&text).map_or(end, |more| end.max(Instant::now() + more));
                }
                Ok(News::Ended(status)) => return Some(Ok(status)),
                Err(error) => return Some(Err(error)),
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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::net::UnixDatagram};

    use super::*;

    #[tokio::test]
    async fn a_program_that_says_so_has_more_time_to_end() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("notice");
        let script = format!("trap '' TERM; echo $NOTIFY_SOCKET > {0}.new; mv {0}.new {0}; sleep 1.5", file.display());
        let command = ["sh", "-c", &script].map(str::to_owned);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let told = UnixDatagram::unbound().unwrap();
        for (message, ends) in [("STATUS=draining", false), ("STOPPING=1\nEXTEND_TIMEOUT_USEC=60000000", true)] {
            let mut child = Child::start(&command, &[], &listener).unwrap();
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            child.signal(Signal::TERM);
            told.send_to(message.as_bytes(), fs::read_to_string(&file).unwrap().trim()).unwrap();
            let mut said = Vec::new();
            let ended = child.ended_within(Duration::from_millis(300), |text| said.push(text.to_owned())).await;
            assert_eq!((ended.is_some(), said), (ends, vec![message.to_owned()]));
            child.signal(Signal::KILL);
            fs::remove_file(&file).unwrap();
        }
    }
}
