//! What a process is told by signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wish that the process ends: SIGTERM or Ctrl-C. It may come more than once.
#[derive(Debug)]
pub struct Termination {
    terminate: Signal,
    interrupt: Signal,
}

impl Termination {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the signals cannot be listened to.
    pub fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Resolves when the process is asked to end.
    pub async fn wished(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
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
