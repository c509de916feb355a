//! The last resort: a process that is asked to end does so in time, even if its event loop is blocked.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use signal_hook::{
    SigId,
    consts::{SIGINT, SIGTERM},
    flag,
    low_level::{pipe, unregister},
};
use tokio::{sync::watch, time::Instant};

use crate::{config::Settings, exit, signals::SAME_WISH, telemetry};

/// How long closing connections and files may take after the drain time.
const CLOSING: Duration = Duration::from_secs(5);

/// How much longer than that, and how long after it was asked a second time, a process is left to end by itself.
const MARGIN: Duration = Duration::from_millis(500);

/// How long saying why may take: whoever reads the log may be stuck, too.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What holds up a process that does its work.
const BLOCKED: &str = "a handler blocks its event loop, and belongs in tokio::task::spawn_blocking; it ends now, and \
                       what is not finished goes back to its queue";

/// What holds up a process that has not been ready.
const STARTING: &str = "its start has not come to an end; it ends now, without having been ready";

/// The thread reads bytes and looks at the clock; what it says is said by another.
const STACK: usize = 64 << 10;

/// Says that the process has begun to end without a signal. What a signal writes is another byte.
const BEGUN: u8 = b'b';

/// How long a process may take from the wish that it ends to its end.
pub(super) fn limit(settings: &Settings) -> Duration {
    settings.drain + CLOSING
}

/// A thread beside the event loop, asleep until the process is asked to end. It hears that even when a handler blocks
/// the loop, and ends a process that has not ended by itself in time. Dropped, it does nothing any more.
#[derive(Debug)]
pub(super) struct LastResort {
    line: UnixStream,
    signals: Vec<SigId>,
}

impl LastResort {
    /// Starts the thread. What it says of a process that it ends depends on whether that has been ready.
    ///
    /// # Errors
    /// If the system gives no thread, or does not let it listen to signals.
    pub(super) fn start(settings: watch::Receiver<Arc<Settings>>, is_ready: Arc<AtomicBool>) -> io::Result<Self> {
        let (line, heard) = UnixStream::pair()?;
        let mut resort = Self { line, signals: Vec::new() };
        // It is set before the same signal writes.
        let interrupted = Arc::new(AtomicBool::new(false));
        resort.signals.push(flag::register(SIGINT, Arc::clone(&interrupted))?);
        for signal in [SIGTERM, SIGINT] {
            resort.signals.push(pipe::register(signal, resort.line.try_clone()?)?);
        }
        let watch = move || {
            if let Some(after) = keep_watch(heard, &interrupted, &settings) {
                end(after, if is_ready.load(Relaxed) { BLOCKED } else { STARTING });
            }
        };
        thread::Builder::new().name("last-resort".to_owned()).stack_size(STACK).spawn(watch)?;
        Ok(resort)
    }

    /// The process has begun to end: its time runs from now, unless it does already.
    pub(super) fn begun(&self) {
        // It fails only if the thread is gone, which then has nothing to see to.
        drop((&self.line).write_all(&[BEGUN]));
    }
}

impl Drop for LastResort {
    fn drop(&mut self) {
        for signal in self.signals.drain(..) {
            unregister(signal);
        }
        drop(self.line.shutdown(Shutdown::Both));
    }
}

/// Sleeps until the process has used up its time, and tells how long it had; nothing if it ends by itself.
fn keep_watch(
    mut line: UnixStream,
    interrupted: &AtomicBool,
    settings: &watch::Receiver<Arc<Settings>>,
) -> Option<Duration> {
    let mut asked = None;
    let mut byte = [0];
    loop {
        let left = asked.map(|(_, end): (Instant, Instant)| end.saturating_duration_since(Instant::now()));
        if let (Some(Duration::ZERO), Some((since, _))) = (left, asked) {
            return Some(since.elapsed());
        }
        line.set_read_timeout(left).ok()?;
        match (line.read(&mut byte), asked) {
            (Ok(0), _) => return None,
            (Ok(_), Some(_)) if byte == [BEGUN] => {}
            (Ok(_), None) => {
                let now = Instant::now();
                asked = Some((now, now + limit(&settings.borrow()) + MARGIN));
                interrupted.store(false, Relaxed);
            }
            // A second wish ends a process at once.
            (Ok(_), Some((since, end))) => {
                if interrupted.swap(false, Relaxed) || since.elapsed() >= SAME_WISH {
                    asked = Some((since, end.min(Instant::now() + MARGIN)));
                }
            }
            (Err(error), _) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                _ => return None,
            },
        }
    }
}

/// Says why, and ends the process.
fn end(after: Duration, why: &'static str) {
    let (said, heard) = mpsc::channel();
    let speak = move || {
        telemetry::last_words(&format!(
            "{:.1} s after it was asked to end, the process has not: {why}",
            after.as_secs_f64()
        ));
        // Nobody waits for it only if that took too long.
        let _ = said.send(());
    };
    if thread::Builder::new().spawn(speak).is_ok() {
        let _ = heard.recv_timeout(LAST_WORDS);
    }
    std::process::exit(i32::from(exit::FAILED));
}
