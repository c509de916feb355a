//! What a process tells its supervisor, by the protocol of sd_notify(3).

use std::{env, time::Duration};

use sd_notify::NotifyState;

use super::orphan::RUN_BY;
use crate::config::Settings;

/// What a message begins with that says which service's section of the configuration applies to the process; without a
/// name it is none. sd_notify(3) leaves what begins so to everybody.
pub const SECTION_TOLD: &str = "X_SKYLOOM_SECTION=";

/// Tells the supervisor, if there is one that listens.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor that NOTIFY_SOCKET names does not listen");
    }
}

/// Tells a program that runs others which section of the configuration applies, if the process has read one: such a
/// program follows the file.
pub(super) fn tell_section(settings: &Settings) {
    if let Some(sources) = settings.sources.as_ref().filter(|_| env::var_os(RUN_BY).is_some()) {
        let section = sources.service.as_deref().unwrap_or_default();
        tell(&[NotifyState::Custom(&format!("{SECTION_TOLD}{section}"))]);
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
