//! What a process is told by signals.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// Several supervisors may have one wish: systemd sends SIGTERM to each process of a service, and one of them may pass
/// it on. What comes so soon after the first is no second wish.
pub(crate) const SAME_WISH: Duration = Duration::from_secs(1);

/// The wish that the process ends: SIGTERM or Ctrl-C. It may come more than once; a SIGTERM within a second of the
/// first wish is the same one.
#[derive(Debug)]
pub struct Termination {
    terminate: Signal,
    interrupt: Signal,
    first: Option<Instant>,
    /// The process has begun to end for another reason than a signal.
    begun: bool,
}

impl Termination {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the signals cannot be listened to.
    pub fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, first: None, begun: false })
    }

    /// The process begins to end. If no signal was the reason, the first one that comes is the same wish.
    pub fn begun(&mut self) {
        self.begun = true;
    }

    /// Resolves when the process is asked to end.
    pub async fn wished(&mut self) {
        loop {
            let is_interrupt = tokio::select! {
                _ = self.terminate.recv() => false,
                _ = self.interrupt.recv() => true,
            };
            let is_new = match self.first {
                None => !self.begun,
                Some(first) => is_interrupt || first.elapsed() >= SAME_WISH,
            };
            self.first.get_or_insert_with(Instant::now);
            if is_new {
                return;
            }
        }
    }
}

/// Resolves when the process is asked to end: SIGTERM or Ctrl-C.
///
/// # Errors
/// If the signals cannot be listened to.
pub fn termination() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut termination = Termination::new()?;
    Ok(async move { termination.wished().await })
}

/// Resolves when the process is asked to take in no more work: SIGUSR1, as beanstalkd has it.
///
/// # Errors
/// If the signal cannot be listened to.
pub fn draining() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut user = signal(SignalKind::user_defined1())?;
    Ok(async move {
        if user.recv().await.is_none() {
            std::future::pending().await
        }
    })
}

/// The wish that the process reads its configuration anew: SIGHUP.
#[derive(Debug)]
pub(crate) struct Hangup(Signal);

impl Hangup {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    pub(crate) async fn wished(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}
