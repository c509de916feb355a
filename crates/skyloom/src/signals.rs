//! The wish to end.

use std::io;

/// Resolves when the process is asked to end: SIGTERM or Ctrl-C.
///
/// # Errors
/// If the signals cannot be listened to.
#[cfg(unix)]
pub fn termination() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when the process is asked to end: Ctrl-C.
///
/// # Errors
/// If the signal cannot be listened to.
#[cfg(not(unix))]
pub fn termination() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        // Without a way to hear of Ctrl-C the process can only be killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Resolves when the process is asked to take in no more work: SIGUSR1, as beanstalkd has it.
///
/// # Errors
/// If the signal cannot be listened to.
#[cfg(unix)]
pub fn draining() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut user = signal(SignalKind::user_defined1())?;
    Ok(async move {
        if user.recv().await.is_none() {
            std::future::pending().await
        }
    })
}

/// Never resolves: there is no such signal here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn draining() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(std::future::pending())
}
