//! [`Tell`]: what is said to others once the state is unlocked.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError, Delivery, ReplySink, Settlement},
};
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use super::wire::Marks;

/// How many messages a queue holds and how many consumers it has; nothing if there is none.
pub(super) type Counted = Result<Option<(u32, u32)>, BrokerError>;

/// A message that is looked at and not taken.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) tag: u64,
    pub(super) marks: Marks,
    pub(super) body: Bytes,
}

/// What a look into a queue has brought, and the AMQP channel that holds it.
pub(super) type Looked = Result<(u16, Vec<Seen>), BrokerError>;

/// What is said to others once the state is unlocked.
#[must_use = "somebody waits for it"]
pub(super) enum Tell {
    Ack(AckSender, Result<(), BrokerError>),
    Counted(oneshot::Sender<Counted>, Counted),
    Looked(oneshot::Sender<Looked>, Looked),
    Reply(Arc<dyn ReplySink>, Arc<Envelope>),
    Refused(Arc<dyn ReplySink>, Guid, BrokerError),
    Lost(Arc<dyn ReplySink>, BrokerError, Arc<HashSet<Guid>>),
    Deliver(UnboundedSender<Delivery>, Delivery),
    /// A stream of deliveries ends behind what is in it.
    Ended(UnboundedSender<Delivery>),
    /// A reply sink is dropped.
    Closed(Arc<dyn ReplySink>),
}

impl Tell {
    pub(super) fn tell(self) {
        match self {
            Self::Ack(sender, result) => sender.send(result),
            // Who has gone away needs no answer.
            Self::Counted(sender, counted) => drop(sender.send(counted)),
            Self::Looked(sender, looked) => drop(sender.send(looked)),
            Self::Reply(sink, reply) => sink.reply(reply),
            Self::Refused(sink, call, error) => sink.refused(call, error),
            Self::Lost(sink, error, unsent) => sink.lost(error, &unsent),
            Self::Deliver(sender, delivery) => {
                if let Err(unwanted) = sender.send(delivery) {
                    drop(unwanted.0.settle(Settlement::Release));
                }
            }
            Self::Ended(sender) => drop(sender),
            Self::Closed(sink) => drop(sink),
        }
    }
}
