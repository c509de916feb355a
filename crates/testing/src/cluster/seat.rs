//! An instance's place in the cluster: its connection, and whether it is still there.

use std::{fmt, sync::Arc};

use futures_util::FutureExt as _;
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_core::broker::Broker as _;
use tokio::sync::watch;

use super::journal::Journal;

/// An instance's place in the cluster.
pub(super) struct Seat {
    pub(super) number: usize,
    /// What it serves, for people.
    pub(super) name: String,
    pub(super) broker: MemoryBroker,
    journal: Arc<Journal>,
    lost: watch::Sender<bool>,
}

impl Seat {
    pub(super) fn new(number: usize, name: String, broker: MemoryBroker, journal: Arc<Journal>) -> Arc<Self> {
        Arc::new(Self { number, name, broker, journal, lost: watch::Sender::new(false) })
    }

    pub(super) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Ends the instance as `kill -9` would: its handlers stop where they are, its connection is gone, and
    /// whatever it had goes to others at once.
    pub(super) fn lose(&self) {
        if self.lost.send_replace(true) {
            return;
        }
        self.journal.lost(self.number, "its worker was lost");
        // In memory, closing takes no time.
        self.broker.close().now_or_never();
    }

    /// Resolves when the instance is lost.
    pub(super) async fn lost(&self) {
        // The sender lives as long as this does.
        if self.lost.subscribe().wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("number", &self.number).field("name", &self.name).finish_non_exhaustive()
    }
}
