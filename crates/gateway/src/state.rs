//! What all requests of a gateway share.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use skyloom::{client::Client, registry::Snapshot};
use tokio::sync::watch;

use crate::{options::GatewayOptions, routes::Table};

/// What all requests of a gateway share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) client: Client,
    pub(crate) options: GatewayOptions,
    table: RwLock<Arc<Table>>,
    heard: AtomicBool,
    draining: watch::Sender<bool>,
}

impl State {
    pub(crate) fn new(client: Client, options: GatewayOptions) -> Self {
        Self {
            client,
            options,
            table: RwLock::default(),
            heard: AtomicBool::new(false),
            draining: watch::Sender::new(false),
        }
    }

    /// The routes as of now.
    pub(crate) fn table(&self) -> Arc<Table> {
        // Nothing panics while it is locked.
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over what the registry knows.
    pub(crate) fn update(&self, snapshot: &Snapshot) {
        let table = Table::of(snapshot, &self.table());
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        self.heard.store(true, Relaxed);
    }

    /// Whether the registry has been heard since the start.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.load(Relaxed)
    }

    /// Ends streams and says to `/readyz` that no new requests are wanted.
    pub(crate) fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Becomes true when the gateway is told to stop.
    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }
}
