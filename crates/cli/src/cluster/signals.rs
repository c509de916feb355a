//! What the terminal and the system ask of `sky up`.

use std::{fs::File, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, watch},
    time::Instant,
};

use crate::{failure::Failure, text::why};

/// What the cluster is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Run.
    #[default]
    Run,
    /// End in order: SIGTERM, a first Ctrl-C, or a terminal that has gone away.
    Drain,
    /// End at once: a second Ctrl-C.
    Kill,
}

/// A second Ctrl-C so soon is the first one again: a terminal sends it to all that run in it, and one of them, such as
/// `timeout` or `npm`, may pass it on.
const SAME: Duration = Duration::from_millis(100);

/// Whoever has a terminal opens it under this name.
const TERMINAL: &str = "/dev/tty";

/// Follows the signals from now on.
///
/// # Errors
/// If the system does not let us listen.
pub(super) fn wishes() -> Result<watch::Receiver<Wish>, Failure> {
    follow(None)
}

/// The same, but SIGHUP asks for something to be read again, unless it says that the terminal has gone away.
///
/// # Errors
/// As for [`wishes`].
pub(super) fn wishes_and_reloads() -> Result<(watch::Receiver<Wish>, Arc<Notify>), Failure> {
    let reload = Arc::new(Notify::new());
    Ok((follow(Some(Arc::clone(&reload)))?, reload))
}

fn follow(reload: Option<Arc<Notify>>) -> Result<watch::Receiver<Wish>, Failure> {
    let listen = |kind: SignalKind| {
        signal(kind).map_err(|error| Failure::failed(format!("cannot listen to signals: {}", why(&error))))
    };
    let (mut terminate, mut hangup) = (listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let (wish, wishes) = watch::channel(Wish::Run);
    let had_terminal = has_terminal();
    let mut drains: Option<Instant> = None;
    tokio::spawn(async move {
        loop {
            let next = tokio::select! {
                () = received(&mut terminate) => Wish::Drain,
                () = received(&mut hangup) => match &reload {
                    Some(reload) if has_terminal() || !had_terminal => {
                        reload.notify_one();
                        continue;
                    }
                    _ => Wish::Drain,
                },
                () = received(&mut interrupt) => interrupted(drains.map(|since| since.elapsed())),
            };
            drains.get_or_insert_with(Instant::now);
            let changed = |now: &mut Wish| {
                let more = next > *now;
                *now = next.max(*now);
                more
            };
            wish.send_if_modified(changed);
        }
    });
    Ok(wishes)
}

/// What a Ctrl-C means so long after the first wish to end.
fn interrupted(since: Option<Duration>) -> Wish {
    match since {
        Some(since) if since >= SAME => Wish::Kill,
        _ => Wish::Drain,
    }
}

fn has_terminal() -> bool {
    File::open(TERMINAL).is_ok()
}

/// Resolves when at least this is wished.
pub(super) async fn wished(wishes: &mut watch::Receiver<Wish>, wish: Wish) {
    // Without a sender the cluster is gone, and with it the reason to run. What is borrowed from the
    // channel is let go of at once, since the sender waits for that.
    drop(wishes.wait_for(|now| *now >= wish).await);
}

async fn received(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_ctrl_c_kills_unless_it_is_the_first_one_passed_on() {
        let after = |since: Option<u64>| interrupted(since.map(Duration::from_millis));
        assert_eq!([None, Some(0), Some(99)].map(after), [Wish::Drain; 3]);
        assert_eq!(after(Some(100)), Wish::Kill);
    }
}
