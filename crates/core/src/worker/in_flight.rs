//! Counts what has been taken and is not settled yet.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire},
};

use tokio::sync::Notify;

/// Counts deliveries that are being worked on.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    count: AtomicUsize,
    idle: Notify,
}

/// Counts one delivery, or several that are executed one after the other, until it is dropped.
#[derive(Debug)]
pub(super) struct Guard(Arc<InFlight>);

impl InFlight {
    pub(super) fn enter(this: Arc<Self>) -> Guard {
        this.count.fetch_add(1, AcqRel);
        Guard(this)
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Acquire)
    }

    /// Resolves when nothing is being worked on.
    pub(super) async fn wait_idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.count() == 0 {
                return;
            }
            idle.await;
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
