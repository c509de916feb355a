//! Counts what has been taken and is not settled yet.

use std::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire},
};

use tokio::sync::Notify;

/// Counts deliveries that are being worked on.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    count: AtomicUsize,
    idle: Notify,
}

/// Counts one delivery until it is dropped.
#[derive(Debug)]
pub(super) struct Guard<P: Deref<Target = InFlight>>(P);

impl InFlight {
    pub(super) fn enter<P: Deref<Target = Self>>(this: P) -> Guard<P> {
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

impl<P: Deref<Target = InFlight>> Drop for Guard<P> {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
