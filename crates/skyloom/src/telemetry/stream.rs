//! Standard error, which may be read slowly or by nobody.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::fs::MetadataExt as _,
    },
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// What a pipe takes without waiting if it says that it takes anything: Linux's `PIPE_BUF`, pipe(7).
const CHUNK: usize = 4096;

/// How long a line waits for room. Whoever reads slowly gets this time with each line; from the first line
/// that is lost on there is no more waiting, until somebody reads again.
const PATIENCE: Duration = Duration::from_millis(200);

impl LogFormat {
    /// The format for this process's standard error.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Auto if io::stderr().is_terminal() => Self::Text,
            Self::Auto if reads_journal() => Self::Journal,
            Self::Auto => Self::Json,
            chosen => chosen,
        }
    }
}

/// Whether systemd's journal reads standard error: it says in `JOURNAL_STREAM` which file that is, systemd.exec(5).
pub(super) fn reads_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Some((Ok(device), Ok(inode))) =
        stream.split_once(':').map(|(device, inode)| (device.parse::<u64>(), inode.parse::<u64>()))
    else {
        return false;
    };
    let found = io::stderr().as_fd().try_clone_to_owned().and_then(|copy| File::from(copy).metadata());
    found.is_ok_and(|found| found.dev() == device && found.ino() == inode)
}

/// Standard error as the subscriber writes to it: a line that nobody makes room for is lost and counted, so that
/// a log that is not read does not stop the process.
#[derive(Debug)]
pub(super) struct Stream {
    format: LogFormat,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lost: u64,
    /// None for a file, which always has room.
    room: Option<Room>,
}

impl Stream {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, state: Mutex::new(State { lost: 0, room: Room::new().ok() }) }
    }

    fn write_line(&self, line: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stderr = io::stderr().lock();
        let patience = if state.lost == 0 { PATIENCE } else { Duration::ZERO };
        if !state.has_room(patience) {
            state.lost += 1;
            return;
        }
        let note = (state.lost > 0).then(|| note(self.format, state.lost));
        state.lost = 0;
        let note = note.as_deref().unwrap_or_default().as_bytes();
        for (index, chunk) in note.chunks(CHUNK).chain(line.chunks(CHUNK)).enumerate() {
            if index > 0 && !state.has_room(PATIENCE) {
                state.lost += 1;
                return;
            }
            // Whoever has closed his end hears nothing more; that is no reason to end.
            drop(stderr.write_all(chunk));
        }
    }
}

impl State {
    fn has_room(&mut self, patience: Duration) -> bool {
        self.room.as_mut().is_none_or(|room| room.comes_within(patience))
    }
}

/// Whether standard error takes anything.
#[derive(Debug)]
struct Room {
    poll: Poll,
    events: Events,
}

impl Room {
    /// # Errors
    /// If standard error is a file, or closed.
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&io::stderr().as_raw_fd()), Token(0), Interest::WRITABLE)?;
        Ok(Self { poll, events: Events::with_capacity(1) })
    }

    fn comes_within(&mut self, patience: Duration) -> bool {
        // What is ready is told once; asking anew tells it again.
        let stderr = io::stderr().as_raw_fd();
        let asked = self.poll.registry().reregister(&mut SourceFd(&stderr), Token(0), Interest::WRITABLE);
        match asked.and_then(|()| self.wait(patience)) {
            Ok(()) => !self.events.is_empty(),
            // Then writing itself tells.
            Err(_) => true,
        }
    }

    /// Waits for room. A signal, such as the one that asks the process to end, makes the wait no shorter: to write
    /// without room would be to wait for ever.
    fn wait(&mut self, patience: Duration) -> io::Result<()> {
        let start = Instant::now();
        loop {
            let left = patience.saturating_sub(start.elapsed());
            match self.poll.poll(&mut self.events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                polled => return polled,
            }
        }
    }
}

fn note(format: LogFormat, lost: u64) -> String {
    let what = format!("{lost} log lines were lost, because nobody read standard error");
    match format {
        LogFormat::Json => {
            format!(
                "\n{{\"level\":\"WARN\",\"fields\":{{\"message\":\"{what}\"}},\"target\":\"skyloom::telemetry\"}}\n"
            )
        }
        LogFormat::Journal => format!("\n<4>{what}\n"),
        LogFormat::Auto | LogFormat::Text => format!("\n{what}\n"),
    }
}

/// Standard error for programs that write lines of their own there: what nobody makes room for within 200 ms is lost and
/// counted, as it is with the log, so that the program goes on. What is written at once is lost or kept together.
#[derive(Debug)]
pub struct Stderr(Stream);

impl Stderr {
    /// Looks at what standard error is.
    #[must_use]
    pub fn new() -> Self {
        Self(Stream::new(LogFormat::Text))
    }
}

impl Default for Stderr {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One line on its way.
#[derive(Debug)]
pub(super) struct Line<'a>(&'a Stream);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Stream {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}
