//! [`Foreground`] itself.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use sd_notify::NotifyState;
use skyloom_core::{Result, Status, client::Client};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    deadline,
    last_resort::{LastResort, limit},
    open_files,
    orphan::orphaned,
    reload::{Hook, reload},
    supervisor::{tell, tell_reloading, tell_section, watchdog},
};
use crate::{
    config::Settings,
    signals::{Hangup, Termination},
    system::why,
    telemetry,
};

/// The life of a process in the foreground, as supervisors want it: it logs to standard error, drains on SIGTERM
/// within a time, even if a handler blocks the event loop, reads its configuration anew on SIGHUP, and tells a
/// supervisor that listens (`NOTIFY_SOCKET`, `WATCHDOG_USEC`) when it is ready, reloading, stopping, and that its
/// event loop turns.
///
/// ```no_run
/// # async fn run(settings: skyloom::Settings) -> skyloom::Result<()> {
/// let mut foreground = skyloom::Foreground::start(settings)?;
/// // ... connect and listen ...
/// foreground.ready("listening on 127.0.0.1:8080");
/// foreground.ended().await;
/// foreground.drain(async { /* finish what is under way */ }).await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Foreground {
    termination: Termination,
    /// The terminal that the process was started from has gone, or the process that runs it.
    abandoned: mpsc::Receiver<()>,
    settings: watch::Receiver<Arc<Settings>>,
    /// Ends a process that does not end by itself.
    last_resort: Option<LastResort>,
    /// Ends with this.
    helpers: JoinSet<()>,
    /// Whether a supervisor has been told that the process does its work.
    is_ready: Arc<AtomicBool>,
}

impl Foreground {
    /// Starts the log, raises the number of files that the process may have open as far as it may, and listens to
    /// signals from now on.
    ///
    /// # Errors
    /// If the configuration does not say what to log, or the signals cannot be listened to.
    pub fn start(settings: Settings) -> Result<Self> {
        Self::start_with(settings, Vec::new())
    }

    /// The same for a program that takes over more of a new configuration itself. It may refuse it.
    pub(crate) fn start_with(settings: Settings, hooks: Vec<Hook>) -> Result<Self> {
        telemetry::init(&settings.log, settings.log_format)?;
        skyloom_core::set_busy_poll(settings.busy_poll);
        tell_section(&settings);
        open_files::raise();
        let no_signals = |error: io::Error| Status::internal(format!("cannot listen to signals: {}", why(&error)));
        let termination = Termination::new().map_err(no_signals)?;
        let hangup = Hangup::new().map_err(no_signals)?;
        let (changed, settings) = watch::channel(Arc::new(settings));
        let is_ready = Arc::<AtomicBool>::default();
        let last_resort = LastResort::start(settings.clone(), Arc::clone(&is_ready)).map_err(no_signals)?;
        let (abandon, abandoned) = mpsc::channel(1);
        let mut helpers = JoinSet::new();
        helpers.spawn(watchdog());
        helpers.spawn(end_as_orphan(abandon.clone()));
        helpers.spawn(heed(hangup, changed, hooks, abandon, Arc::clone(&is_ready)));
        Ok(Self { termination, abandoned, settings, last_resort: Some(last_resort), helpers, is_ready })
    }

    /// Lets the end of the process take as long as it takes: for one that nothing blocks but what it must finish, such
    /// as a broker that writes down what it keeps.
    #[must_use]
    pub fn unhurried(mut self) -> Self {
        self.last_resort = None;
        self
    }

    /// The configuration that is in effect.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }

    /// Becomes another when a new configuration has been taken over.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<Settings>> {
        self.settings.clone()
    }

    /// Lets a client take over from a new configuration what it can: how long a call may take.
    pub fn follow(&mut self, client: Client) {
        let mut changes = self.changes();
        self.helpers.spawn(async move {
            while changes.changed().await.is_ok() {
                client.set_timeout(changes.borrow_and_update().timeout);
            }
        });
    }

    /// Tells the supervisor that the process does its work, and what that is.
    pub fn ready(&self, status: &str) {
        self.is_ready.store(true, Relaxed);
        #[cfg(feature = "daemon")]
        crate::daemon::ready();
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// Resolves when the process is asked to end: SIGTERM, Ctrl-C, the end of its terminal, or of the
    /// process that runs it, if that has asked for it as `sky up` does.
    pub async fn ended(&mut self) {
        tokio::select! {
            () = self.termination.wished() => {}
            Some(()) = self.abandoned.recv() => {}
        }
    }

    /// Waits for a start, such as a connection, unless the process is asked to end meanwhile.
    pub async fn unless_ended<T>(&mut self, start: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            started = start => Some(started),
            () = self.ended() => None,
        }
    }

    /// Tells the supervisor that the process drains, and how long that may take. [`Foreground::drain`] does so itself.
    pub fn stopping(&self) {
        let limit = limit(&self.settings());
        // The protocol's number is larger than the crate's own variant of it, in which an hour has room and no day.
        let allowance = format!("EXTEND_TIMEOUT_USEC={}", limit.as_micros());
        tell(&[NotifyState::Stopping, NotifyState::Custom(&allowance), NotifyState::Status("draining")]);
        tracing::info!("draining");
    }

    /// Drains: tells the supervisor, and waits for the future, but no longer than the drain time and a few seconds
    /// for closing, and not at all if the process is asked to end once more. If no signal was the reason to drain, the
    /// first one that comes is the same wish.
    pub async fn drain(mut self, drain: impl Future<Output = ()>) {
        let limit = limit(&self.settings());
        deadline::begin(limit);
        self.stopping();
        if let Some(last_resort) = &self.last_resort {
            last_resort.begun();
        }
        self.termination.begun();
        tokio::select! {
            () = drain => tracing::info!("drained"),
            () = tokio::time::sleep(limit) => {
                tracing::warn!("draining has not come to its end within {limit:?}; the process ends without");
            }
            () = self.termination.wished() => {
                tracing::warn!("asked to end once more: the process ends without draining to the end");
            }
        }
    }
}

/// Sees to it that the process ends if the one that runs it has gone.
async fn end_as_orphan(abandon: mpsc::Sender<()>) {
    orphaned().await;
    tracing::warn!("the process that runs this one has gone");
    // If nobody waits for it, the process ends already.
    let _ = abandon.try_send(());
}

/// Heeds SIGHUP for as long as the process runs.
async fn heed(
    mut hangup: Hangup,
    settings: watch::Sender<Arc<Settings>>,
    hooks: Vec<Hook>,
    abandon: mpsc::Sender<()>,
    is_ready: Arc<AtomicBool>,
) {
    let had_terminal = io::stdin().is_terminal();
    loop {
        hangup.wished().await;
        // The same signal says that the terminal is gone, and with it whoever has started the process there.
        if had_terminal && !io::stdin().is_terminal() {
            // If nobody waits for it, the process ends already.
            let _ = abandon.try_send(());
            continue;
        }
        // That it is ready again is what a supervisor takes for ready, so a process that still starts says nothing.
        let is_ready = is_ready.load(Relaxed);
        if is_ready {
            tell_reloading();
        }
        let current = Arc::clone(&settings.borrow());
        if let Some(newer) = reload(&current, &hooks) {
            settings.send_replace(newer);
        }
        if is_ready {
            tell(&[NotifyState::Ready]);
        }
    }
}
