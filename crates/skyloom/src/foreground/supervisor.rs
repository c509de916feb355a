//! What a process tells its supervisor, by the protocol of sd_notify(3).

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells the supervisor, if there is one that listens.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor that NOTIFY_SOCKET names does not listen");
    }
}

/// Tells that the configuration is being read anew; what comes of it is to be told next.
pub(super) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "there is no monotonic clock to tell the supervisor"),
    }
}

/// Tells the supervisor again and again that the event loop turns, twice in the time that it allows; for ever
/// nothing if it does not ask for that.
pub(super) async fn watchdog() {
    let Some(allowed) = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()) else {
        return std::future::pending().await;
    };
    let mut beat = tokio::time::interval((allowed / 2).max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}
