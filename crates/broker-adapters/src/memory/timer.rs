//! The one timer of an engine: a task that exists only while the engine has something to wake for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// When the timer's task, if there is one, wakes next.
#[derive(Default)]
pub(super) struct Timer {
    /// On the engine's clock.
    armed: Option<Duration>,
    shared: Arc<Shared>,
    tasks: u64,
}

#[derive(Default)]
struct Shared {
    /// Which task is the timer; 0: none.
    task: AtomicU64,
    earlier: Notify,
}

/// Held by the task that is the timer. When it is dropped, be it because the task's runtime has
/// ended, the next step appoints another; that must not need the engine's lock, under which a
/// runtime that is ending drops the task as it is being spawned.
pub(super) struct Office {
    shared: Arc<Shared>,
    task: u64,
}

impl Timer {
    /// Whether the timer wakes at `at` or before.
    pub(super) fn covers(&self, at: Duration) -> bool {
        self.is_running() && self.armed.is_some_and(|armed| armed <= at)
    }

    /// Whether there is a task that wakes the engine.
    pub(super) fn is_running(&self) -> bool {
        self.shared.task.load(Relaxed) != 0
    }

    /// Makes the running task wake earlier; `false` if there is none.
    pub(super) fn advance(&mut self, at: Duration) -> bool {
        let running = self.is_running();
        if running {
            self.armed = Some(at);
            self.shared.earlier.notify_one();
        }
        running
    }

    /// The office of a new task, which is the timer from now on.
    pub(super) fn appoint(&mut self, at: Duration) -> Office {
        self.tasks += 1;
        self.armed = Some(at);
        self.shared.task.store(self.tasks, Relaxed);
        Office { shared: Arc::clone(&self.shared), task: self.tasks }
    }

    /// The task says when it wakes next. Without a time it ends, and is the timer no more.
    pub(super) fn rearm(&mut self, office: &Office, at: Option<Duration>) {
        if office.is_current() {
            self.armed = at;
            if at.is_none() {
                office.leave();
            }
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // The task finds that the engine is gone, and ends.
        self.shared.earlier.notify_one();
    }
}

impl Office {
    fn is_current(&self) -> bool {
        self.shared.task.load(Relaxed) == self.task
    }

    fn leave(&self) {
        // If another is the timer by now, there is nothing to leave.
        let _ = self.shared.task.compare_exchange(self.task, 0, Relaxed, Relaxed);
    }

    /// Calls `next` at the time that it said last, or earlier when told to, until it says none.
    pub(super) async fn run(self, next: impl Fn(&Self) -> Option<Instant>) {
        while let Some(at) = next(&self) {
            tokio::select! {
                () = sleep_until(at) => {}
                () = self.shared.earlier.notified() => {}
            }
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.leave();
    }
}
