//! What the terminal and the system ask of `sky up`.

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::failure::Failure;

/// What the cluster is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Run.
    #[default]
    Run,
    /// End in order: SIGTERM, SIGHUP or a first Ctrl-C.
    Drain,
    /// End at once: a second Ctrl-C.
    Kill,
}

/// Follows the signals from now on.
///
/// # Errors
/// If the system does not let us listen.
pub(super) fn wishes() -> Result<watch::Receiver<Wish>, Failure> {
    let listen =
        |kind: SignalKind| signal(kind).map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")));
    let mut quiet = [listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
    let mut interrupt = listen(SignalKind::interrupt())?;
    let (wish, wishes) = watch::channel(Wish::Run);
    tokio::spawn(async move {
        loop {
            let [terminate, hangup] = &mut quiet;
            let next = tokio::select! {
                () = received(terminate) => Wish::Drain,
                () = received(hangup) => Wish::Drain,
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
