//! A reply sink that remembers.

use std::{collections::HashSet, sync::Arc};

use skyloom_core::{
    Envelope, Guid,
    broker::{BrokerError, ReplySink},
};
use tokio::sync::{Mutex, mpsc};

/// What an inbox has heard.
#[derive(Debug)]
pub(crate) enum Heard {
    Reply(Arc<Envelope>),
    Refused(Guid, BrokerError),
    Lost(BrokerError),
}

/// A reply sink whose news can be awaited.
pub(crate) struct Probe {
    tell: mpsc::UnboundedSender<Heard>,
    heard: Mutex<mpsc::UnboundedReceiver<Heard>>,
}

impl Probe {
    pub(crate) fn new() -> Arc<Self> {
        let (tell, heard) = mpsc::unbounded_channel();
        Arc::new(Self { tell, heard: Mutex::new(heard) })
    }

    pub(crate) async fn next(&self) -> Option<Heard> {
        self.heard.lock().await.recv().await
    }

    fn note(&self, heard: Heard) {
        // The receiver lives as long as the sender.
        let _ = self.tell.send(heard);
    }
}

impl ReplySink for Probe {
    fn reply(&self, envelope: Arc<Envelope>) {
        self.note(Heard::Reply(envelope));
    }

    fn refused(&self, call: Guid, error: BrokerError) {
        self.note(Heard::Refused(call, error));
    }

    fn lost(&self, error: BrokerError, _: &HashSet<Guid>) {
        self.note(Heard::Lost(error));
    }
}
