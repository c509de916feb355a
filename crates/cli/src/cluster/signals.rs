//! What the terminal and the system ask of `sky up`.

use std::{fs::File, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, watch},
};

use crate::failure::Failure;

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
    let listen =
        |kind: SignalKind| signal(kind).map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")));
    let (mut terminate, mut hangup) = (listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let (wish, wishes) = watch::channel(Wish::Run);
    let had_terminal = has_terminal();
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
                () = received(&mut interrupt) => if *wish.borrow() == Wish::Run { Wish::Drain } else { Wish::Kill },
            };
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
