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
    let mut wish: Option<Wish> = None;
    let mut byte = [0];
    loop {
        let left = wish.as_ref().map(|wish| wish.end.saturating_duration_since(Instant::now()));
        if let (Some(Duration::ZERO), Some(wish)) = (left, &wish) {
            return Some(wish.since.elapsed());
        }
        line.set_read_timeout(left).ok()?;
        match line.read(&mut byte) {
            Ok(0) => return None,
            Ok(_) => {
                let wish = wish.get_or_insert_with(|| Wish::new(limit(&settings.borrow())));
                if byte != [BEGUN] {
                    wish.signalled(interrupted.swap(false, Relaxed));
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                _ => return None,
            },
        }
    }
}

/// The wish that the process ends.
struct Wish {
    since: Instant,
    /// When the time is over.
    end: Instant,
    /// When a signal first said so.
    first: Option<Instant>,
}

impl Wish {
    fn new(limit: Duration) -> Self {
        let since = Instant::now();
        Self { since, end: since + limit + MARGIN, first: None }
    }

    /// A signal came. As [`Termination`](crate::signals::Termination) has it, the first is the same wish as a drain that
    /// has begun without one, and a second wish ends the process at once.
    fn signalled(&mut self, is_interrupt: bool) {
        let now = Instant::now();
        match self.first {
            None => self.first = Some(now),
            Some(first) if is_interrupt || now - first >= SAME_WISH => self.end = self.end.min(now + MARGIN),
            Some(_) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_leaves_the_time_and_a_second_wish_ends_it() {
        const LIMIT: Duration = Duration::from_secs(60);
        let second_ends = |wish: &Wish| wish.end == Instant::now() + MARGIN;
        for (is_first_interrupt, is_second_interrupt) in [(false, true), (true, true)] {
            let mut wish = Wish::new(LIMIT);
            tokio::time::advance(SAME_WISH * 3).await;
            wish.signalled(is_first_interrupt);
            assert_eq!(wish.end, wish.since + LIMIT + MARGIN, "it came after the drain had begun");
            wish.signalled(is_second_interrupt);
            assert!(second_ends(&wish));
        }
        let mut wish = Wish::new(LIMIT);
        wish.signalled(false);
        wish.signalled(false);
        assert_eq!(wish.end, wish.since + LIMIT + MARGIN, "so soon it is the same wish");
        tokio::time::advance(SAME_WISH).await;
        wish.signalled(false);
        assert!(second_ends(&wish));
    }
}
