//! [`Refusals`]: what a caller is told whose calls come to nothing.

use std::{collections::HashSet, sync::Arc};

use skyloom_core::{
    Envelope, Guid,
    broker::{BrokerError, ReplySink},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The sink of an inbox that notes which calls were refused, and why.
#[derive(Debug)]
pub struct Refusals(UnboundedSender<(Guid, BrokerError)>);

impl Refusals {
    /// The sink, and what it notes.
    #[must_use]
    pub fn noted() -> (Arc<Self>, UnboundedReceiver<(Guid, BrokerError)>) {
        let (note, noted) = unbounded_channel();
        (Arc::new(Self(note)), noted)
    }
}

impl ReplySink for Refusals {
    fn reply(&self, _: Arc<Envelope>) {}

    fn refused(&self, call: Guid, error: BrokerError) {
        // A test may have heard enough.
        drop(self.0.send((call, error)));
    }

    fn lost(&self, _: BrokerError, _: &HashSet<Guid>) {}
}
