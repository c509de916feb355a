//! Operations that the server answers one after the other: declarations and counts.

use std::collections::{HashMap, VecDeque};

use skyloom_core::Guid;
use tokio::sync::oneshot;

use super::{pending::Publishing, target::Target, tell::Counted};

/// What is asked of the server.
#[derive(Debug)]
pub(super) enum Operation {
    /// That a queue or an exchange is there; an ephemeral one goes with its last consumer.
    Declare { target: Target, ephemeral: bool },
    /// That an inbox is there; first that it still is.
    Inbox { inbox: Guid, anew: bool },
    /// How many consume an ephemeral channel that this consumer leaves.
    Leave { consumer: u32, work: String },
    /// That an ephemeral channel is gone before its last consumer is.
    Remove { consumer: u32, work: String, again: String },
    /// What a queue holds.
    Count { queue: String, reply: oneshot::Sender<Counted> },
    /// That a queue is empty; what it held is counted.
    Purge { queue: String, reply: oneshot::Sender<Counted> },
}

/// How it stands with something that must be declared.
#[derive(Debug)]
pub(super) enum Known {
    /// It is being declared; these wait for it.
    Asked { publishings: Vec<Publishing>, consumers: Vec<u32> },
    /// It is there.
    Ready,
}

/// The operations of one connection, one at a time: an error ends its AMQP channel and whatever was sent after.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pub(super) known: HashMap<Target, Known>,
    pub(super) waiting: VecDeque<Operation>,
    pub(super) running: Option<Running>,
}

impl Operations {
    /// What was declared may be gone: it is declared again before anything more is sent there. Who waits for a declaration
    /// that is under way goes on waiting for it.
    pub(super) fn doubt(&mut self, target: &Target) {
        if matches!(self.known.get(target), Some(Known::Ready)) {
            self.known.remove(target);
        }
    }
}

/// The operation that the server has been asked for.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) operation: Operation,
    /// How many answers are still to come.
    pub(super) answers: u32,
    /// What the first declared queue holds.
    pub(super) counted: Option<(u32, u32)>,
}
