//! One child process.

use std::{
    io, net::TcpListener, os::unix::process::ExitStatusExt as _, process::ExitStatus, process::Stdio, time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use skyloom::RUN_BY;
use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use super::{board::Section, logs::Logs, plan::Spec};
use crate::{
    handover::{Notice, hand_down, is_ready, more_time, section},
    text::why,
};

/// How long to wait for the last lines of a process that has ended. What it started may still
/// hold its output.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a process has told us (`NOTIFY_SOCKET`).
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// That it does its work.
    ready: bool,
    /// Until when it may take for its end.
    until: Option<Instant>,
}

/// A running child. It leads a process group of its own, so that a terminal's Ctrl-C reaches only
/// `sky`, which then stops the cluster in order.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: Pid,
    readers: Vec<JoinHandle<()>>,
    told: watch::Receiver<Told>,
    /// Which section of the configuration applies to it, once it has told.
    section: Section,
    /// Whether it was handed a socket.
    has_socket: bool,
    /// Whether it can tell us anything.
    may_tell: bool,
}

impl Process {
    /// Starts it, with a listening socket if there is one for it; its output goes to the logs.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn start(spec: &Spec, socket: Option<&TcpListener>, logs: &Logs) -> io::Result<Self> {
        let mut command = Command::new(&spec.program);
        command.args(&spec.arguments).envs(&spec.environment).current_dir(&spec.directory);
        command.env(RUN_BY, std::process::id().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let notice = match (Notice::new(), socket) {
            (Err(error), Some(_)) => return Err(error),
            // The others can do without: they are asked whether they are ready.
            (notice, _) => notice.ok(),
        };
        if let Some(notice) = &notice {
            notice.name_to(&mut command);
        }
        if let Some(socket) = socket {
            hand_down(&mut command, socket)?;
        }
        let ((tell, told), section) = (watch::channel(Told::default()), Section::default());
        let may_tell = notice.is_some();
        if let Some(notice) = notice {
            tokio::spawn(hear(notice, tell, Section::clone(&section)));
        }
        let mut child = command.process_group(0).spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
        let follow = |output| tokio::spawn(logs.clone().follow(spec.name.clone(), output));
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|output| follow(Box::new(output) as Box<dyn Output>)));
        readers.extend(child.stderr.take().map(|output| follow(Box::new(output))));
        Ok(Self { child, pid, readers, told, section, has_socket: socket.is_some(), may_tell })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Which section of the configuration applies to it, once it has told.
    pub(super) fn section(&self) -> Section {
        Section::clone(&self.section)
    }

    /// Whether it was handed a socket.
    pub(super) fn has_socket(&self) -> bool {
        self.has_socket
    }

    /// Resolves when it has said that it is ready; none if it has no way to say so.
    pub(super) fn told(&self) -> Option<impl Future<Output = ()> + use<>> {
        let mut told = self.may_tell.then(|| self.told.clone())?;
        Some(async move {
            // If nobody hears it any more, it is not known to be ready.
            if told.wait_for(|told| told.ready).await.is_err() {
                std::future::pending().await
            }
        })
    }

    /// The same as [`Process::ended`], but for no longer than this, or than it says that it needs; none if it has not
    /// ended by then.
    pub(super) async fn ended_within(&mut self, grace: Duration) -> Option<io::Result<ExitStatus>> {
        let grace = Instant::now() + grace;
        let mut told = self.told.clone();
        loop {
            let end = told.borrow_and_update().until.map_or(grace, |until| until.max(grace));
            tokio::select! {
                ended = self.ended() => return Some(ended),
                () = sleep_until(end) => return None,
                Ok(()) = told.changed() => {}
            }
        }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// If the system does not know it.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        for reader in self.readers.drain(..) {
            // A reader that is not done by then goes on by itself.
            drop(timeout(LAST_WORDS, reader).await);
        }
        Ok(status)
    }

    /// Sends it, and what it has started, a signal.
    pub(super) fn signal(&self, signal: Signal) {
        // Once it was waited for, its number may belong to somebody else.
        if self.child.id().is_some() {
            // An error means that it has ended already.
            let _ = kill_process_group(self.pid, signal);
        }
    }
}

/// Hears what a process tells its supervisor, for as long as somebody knows the process: one whose messages nobody
/// takes would wait at some time.
async fn hear(notice: Notice, tell: watch::Sender<Told>, known: Section) {
    loop {
        let message = tokio::select! {
            message = notice.next() => message,
            () = tell.closed() => return,
        };
        match message {
            Ok(message) => {
                if let Some(section) = section(&message) {
                    // The first word counts: it reads no other section while it runs.
                    known.get_or_init(|| section.to_owned());
                }
                tell.send_modify(|told| {
                    told.ready |= is_ready(&message);
                    told.until = more_time(&message).map(|more| Instant::now() + more).or(told.until);
                });
            }
            Err(_) => return,
        }
    }
}

/// What a process writes.
trait Output: tokio::io::AsyncRead + Unpin + Send {}

impl<T: tokio::io::AsyncRead + Unpin + Send> Output for T {}

/// What the signals are called that end processes most often.
const NAMES: [(Signal, &str); 9] = [
    (Signal::HUP, "SIGHUP"),
    (Signal::INT, "SIGINT"),
    (Signal::ILL, "SIGILL, a crash"),
    (Signal::ABORT, "SIGABRT, a crash"),
    (Signal::BUS, "SIGBUS, a crash"),
    (Signal::KILL, "SIGKILL"),
    (Signal::SEGV, "SIGSEGV, a crash"),
    (Signal::PIPE, "SIGPIPE"),
    (Signal::TERM, "SIGTERM"),
];

/// How a process ended, in words.
pub(super) fn describe(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(0), _) => "ended".to_owned(),
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(number)) => {
                let named = NAMES.iter().find(|(signal, _)| signal.as_raw() == number);
                let name = named.map_or_else(String::new, |(_, name)| format!(" ({name})"));
                format!("was ended by signal {number}{name}")
            }
            (None, None) => format!("ended: {status}"),
        },
        Err(error) => format!("cannot be waited for: {}", why(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::PathBuf};

    use super::*;
    use crate::output::{ColorChoice, Paint};

    fn shell(script: &str) -> Spec {
        Spec {
            name: "sh.1".to_owned(),
            program: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::from([("WORD".to_owned(), "hello".to_owned())]),
            directory: PathBuf::from("/"),
        }
    }

    fn logs(directory: Option<PathBuf>) -> Logs {
        Logs::new(io::sink(), Paint::stderr(ColorChoice::Never), directory)
    }

    #[tokio::test]
    async fn its_last_words_are_logged_before_its_end_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let logs = logs(Some(directory.path().to_path_buf()));
        logs.follow_parts(&["sh".to_owned()].into(), 4).unwrap();
        let mut process = Process::start(&shell("echo $WORD; pwd >&2; exit 3"), None, &logs).unwrap();
        assert_eq!(describe(process.ended().await), "ended with exit code 3");
        let text = fs::read_to_string(directory.path().join("sh.log")).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["sh.1 | /", "sh.1 | hello"]);
    }

    #[tokio::test]
    async fn a_process_that_says_so_has_more_time_to_end() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("notice");
        let script = format!("trap '' TERM; echo $NOTIFY_SOCKET > {0}.new; mv {0}.new {0}; sleep 1.5", file.display());
        let told = std::os::unix::net::UnixDatagram::unbound().unwrap();
        for (message, ends) in [("STATUS=draining", false), ("STOPPING=1\nEXTEND_TIMEOUT_USEC=60000000", true)] {
            let mut process = Process::start(&shell(&script), None, &logs(None)).unwrap();
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            process.signal(Signal::TERM);
            told.send_to(message.as_bytes(), fs::read_to_string(&file).unwrap().trim()).unwrap();
            let ended = process.ended_within(Duration::from_millis(300)).await;
            assert_eq!(ended.map(describe), ends.then(|| "ended".to_owned()));
            process.signal(Signal::KILL);
            fs::remove_file(&file).unwrap();
        }
    }

    #[tokio::test]
    async fn a_signal_reaches_the_whole_group() {
        let mut process = Process::start(&shell("sleep 60 & wait"), None, &logs(None)).unwrap();
        process.signal(Signal::TERM);
        assert_eq!(describe(process.ended().await), "was ended by signal 15 (SIGTERM)");
        assert!(process.readers.is_empty());
        process.signal(Signal::KILL);
    }
}
