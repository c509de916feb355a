//! What all requests of a gateway share.

use std::sync::{
    Arc,
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
    /// None before the registry has been heard.
    table: watch::Sender<Option<Arc<Table>>>,
    draining: watch::Sender<bool>,
    /// The same where each request asks.
    closing: AtomicBool,
    /// The registry does not know yet of everybody who is there.
    incomplete: AtomicBool,
}

impl State {
    pub(crate) fn new(client: Client, options: GatewayOptions) -> Self {
        Self {
            client,
            options,
            table: watch::Sender::default(),
            draining: watch::Sender::default(),
            closing: AtomicBool::new(false),
            incomplete: AtomicBool::new(false),
        }
    }

    /// The routes as of now; none before the registry has been heard.
    pub(crate) fn table(&self) -> Option<Arc<Table>> {
        self.table.borrow().clone()
    }

    /// The routes, as soon as there are any.
    pub(crate) async fn first_table(&self) -> Arc<Table> {
        let mut tables = self.table.subscribe();
        match tables.wait_for(Option::is_some).await.map(|table| table.clone()) {
            Ok(Some(table)) => table,
            // Their sender lives as long as this does.
            _ => std::future::pending().await,
        }
    }

    /// Takes over what the registry knows.
    pub(crate) fn update(&self, snapshot: &Snapshot) {
        self.incomplete.store(snapshot.incomplete, Relaxed);
        let table = Table::of(snapshot, &self.table().unwrap_or_default());
        self.table.send_replace(Some(table));
    }

    /// Whether there may be somebody of whom the registry does not know yet.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.incomplete.load(Relaxed)
    }

    /// Ends streams and says to `/readyz` that no new requests are wanted.
    pub(crate) fn drain(&self) {
        self.closing.store(true, Relaxed);
        self.draining.send_replace(true);
    }

    /// Whether the gateway has been told to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// Resolves when the gateway is told to stop.
    pub(crate) async fn drained(&self) {
        // Its sender lives as long as this does.
        drop(self.draining().wait_for(|draining| *draining).await);
    }

    /// Becomes true when the gateway is told to stop.
    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }
}
