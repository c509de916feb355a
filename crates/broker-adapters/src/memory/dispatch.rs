//! What is handed out once the engine is unlocked.

use std::{collections::HashSet, sync::Arc};

use skyloom_broker::engine::RegistryChange;
use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError, Delivery, ReplySink, Settlement},
};
use tokio::sync::mpsc::{UnboundedSender, error::SendError};

use crate::registry::RegistryView;

/// One thing to hand out.
pub(super) enum Dispatch {
    /// A delivery for a consumer.
    Deliver(UnboundedSender<Delivery>, Delivery),
    /// A reply for an inbox.
    Reply(Arc<dyn ReplySink>, Arc<Envelope>),
    /// A refusal for an inbox.
    Refused(Arc<dyn ReplySink>, Guid, BrokerError),
    /// The connection is closed; what an inbox still waits for does not come.
    Lost(Arc<dyn ReplySink>),
    /// A consumer has all its deliveries; its stream ends here.
    Ended(Option<UnboundedSender<Delivery>>, Option<AckSender>),
    /// News from the registry.
    Registry(Arc<RegistryView>, RegistryChange),
}

impl Dispatch {
    pub(super) fn run(self) {
        match self {
            Self::Deliver(stream, delivery) => {
                if let Err(SendError(delivery)) = stream.send(delivery) {
                    // The consumer was dropped a moment ago and has not seen it: no attempt.
                    drop(delivery.settle(Settlement::Release));
                }
            }
            Self::Reply(sink, reply) => sink.reply(reply),
            Self::Refused(sink, call, error) => sink.refused(call, error),
            Self::Lost(sink) => sink.lost(BrokerError::lost("it was closed"), &HashSet::new()),
            Self::Ended(stream, waiting) => {
                drop(stream);
                if let Some(waiting) = waiting {
                    waiting.send(Ok(()));
                }
            }
            Self::Registry(view, change) => view.apply(change),
        }
    }
}
