//! Who waits for what the broker will answer.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use foldhash::fast::RandomState;
use skyloom_broker::engine::{AdminAnswer, ConsumerId, Ticket};
use skyloom_core::{
    Guid,
    broker::{AckSender, BrokerError, ReplySink},
};
use tokio::sync::oneshot;

/// What an operator is answered.
pub(super) type AdminResult = Result<AdminAnswer<Bytes>, BrokerError>;

/// What is to happen when the broker answers.
pub(super) enum Waiting {
    /// Somebody waits for yes or no.
    Ack(AckSender),
    /// Somebody waits for an operator's answer.
    Admin(oneshot::Sender<AdminResult>),
    /// A consumer has been announced.
    Consume(ConsumerId),
    /// An inbox has been announced.
    Inbox(Guid),
    /// An instance has been announced.
    Instance(Guid),
    /// A consumer is stopped; the end of the connection would stop it too.
    Stop(ConsumerId, AckSender),
    /// An instance is deregistered; the end of the connection would do that too.
    Deregister(AckSender),
}

impl Waiting {
    /// Whether nobody is interested in the operation any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Ack(sender) => sender.is_abandoned(),
            Self::Admin(sender) => sender.is_closed(),
            _ => false,
        }
    }
}

/// What is to be told to somebody once the lock is released.
#[must_use = "somebody waits for it"]
pub(super) enum Verdict {
    Ack(AckSender, Result<(), BrokerError>),
    Admin(oneshot::Sender<AdminResult>, AdminResult),
    Refused(Arc<dyn ReplySink>, Guid, BrokerError),
}

impl Verdict {
    /// What there is to say to whoever waits for an operation that has failed.
    pub(super) fn failed(waiting: Waiting, error: BrokerError) -> Option<Self> {
        match waiting {
            Waiting::Ack(sender) | Waiting::Deregister(sender) | Waiting::Stop(_, sender) => {
                Some(Self::Ack(sender, Err(error)))
            }
            Waiting::Admin(sender) => Some(Self::Admin(sender, Err(error))),
            Waiting::Consume(_) | Waiting::Inbox(_) | Waiting::Instance(_) => None,
        }
    }

    pub(super) fn tell(self) {
        match self {
            Self::Ack(sender, result) => sender.send(result),
            // Who has gone away needs no answer.
            Self::Admin(sender, result) => drop(sender.send(result)),
            Self::Refused(sink, call, error) => sink.refused(call, error),
        }
    }
}

/// The tickets of one connection that have not been answered. Bounded by the outgoing buffer and
/// by what the broker has yet to answer, which it does in order.
#[derive(Default)]
pub(super) struct Tickets {
    last: u32,
    waiting: HashMap<u32, Waiting, RandomState>,
}

impl Tickets {
    pub(super) fn issue(&mut self, waiting: Waiting) -> Ticket {
        loop {
            self.last = self.last.wrapping_add(1);
            if Ticket(self.last) != Ticket::NONE && !self.waiting.contains_key(&self.last) {
                break;
            }
        }
        self.waiting.insert(self.last, waiting);
        Ticket(self.last)
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.waiting.get(&ticket.0)
    }

    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Waiting> {
        self.waiting.remove(&ticket.0)
    }

    /// Everything that waits, when the connection has ended.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiting> {
        self.waiting.drain().map(|(_, waiting)| waiting)
    }
}
