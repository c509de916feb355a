//! What the engine decides.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use skyloom_core::{
    Guid,
    broker::{BrokerError, ChannelStats, Depth, Lease},
    contract::Contract,
    registry::Instance,
};

use super::{Conn, ConsumerId, JobAnswer, Ticket};

/// One thing for the driver to do.
#[derive(Clone, Debug)]
pub enum Output<M> {
    /// Hand a message to a consumer.
    Deliver {
        /// Whose.
        conn: Conn,
        /// Which consumer.
        consumer: ConsumerId,
        /// Under this lease.
        lease: Lease,
        /// Which lasts this long.
        lease_time: Duration,
        /// 1 for the first attempt.
        attempt: u32,
        /// What is left of its time to live.
        time_to_live: Option<Duration>,
        /// How long it has waited since it was enqueued.
        waited: Duration,
        /// The envelope.
        body: M,
    },
    /// Hand a reply to an inbox.
    Reply {
        /// Whose.
        conn: Conn,
        /// Which inbox.
        inbox: Guid,
        /// The reply.
        body: M,
    },
    /// A call was refused, or dropped unexecuted, or became a dead letter: tell its inbox.
    Refused {
        /// Whose.
        conn: Conn,
        /// Which inbox.
        inbox: Guid,
        /// Which call.
        call: Guid,
        /// Why.
        error: BrokerError,
    },
    /// What was asked for under a ticket is done, or was refused.
    Done {
        /// Who asked.
        conn: Conn,
        /// Under which ticket.
        ticket: Ticket,
        /// How it went.
        result: Result<(), BrokerError>,
    },
    /// The answer to an operator.
    Admin {
        /// Who asked.
        conn: Conn,
        /// Under which ticket.
        ticket: Ticket,
        /// The answer.
        answer: AdminAnswer<M>,
    },
    /// The connection was not accepted; the driver tells the client why and closes it.
    Closed {
        /// Which.
        conn: Conn,
        /// Why.
        error: BrokerError,
    },
    /// The answer to a [`JobCommand`](super::JobCommand).
    Job {
        /// Who asked.
        conn: Conn,
        /// The answer.
        answer: JobAnswer<M>,
    },
    /// News from the registry for a connection that watches.
    Registry {
        /// Who watches.
        conn: Conn,
        /// What has changed.
        change: RegistryChange,
    },
}

impl<M> Output<M> {
    /// Whom it is for.
    #[must_use]
    pub const fn conn(&self) -> Conn {
        match self {
            Self::Deliver { conn, .. }
            | Self::Reply { conn, .. }
            | Self::Refused { conn, .. }
            | Self::Done { conn, .. }
            | Self::Admin { conn, .. }
            | Self::Closed { conn, .. }
            | Self::Job { conn, .. }
            | Self::Registry { conn, .. } => *conn,
        }
    }
}

/// What an operator hears.
#[derive(Clone, Debug)]
pub enum AdminAnswer<M> {
    /// Every channel's figures, by name.
    Channels(Vec<ChannelStats>),
    /// One channel's depth; zero for a channel that does not exist.
    Depth(Depth),
    /// Dead letters.
    Dead(Vec<DeadMessage<M>>),
    /// How many messages were changed.
    Count(u64),
    /// Messages that would be delivered next.
    Peek(Vec<M>),
    /// The engine's own totals.
    Totals(Totals),
}

/// A dead letter with its envelope in the door's form.
#[derive(Clone, Debug)]
pub struct DeadMessage<M> {
    /// Its number, unique in the engine's life.
    pub number: u64,
    /// The call's GUID.
    pub id: Guid,
    /// Why it is dead.
    pub reason: String,
    /// How often it was attempted.
    pub attempts: u32,
    /// How long ago it died.
    pub age: Duration,
    /// The envelope.
    pub body: M,
}

/// The engine's own totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Connections.
    pub connections: u64,
    /// Channels.
    pub channels: u64,
    /// Inboxes, abandoned ones included.
    pub inboxes: u64,
    /// Messages held, in whatever state.
    pub messages: u64,
    /// Bytes held.
    pub bytes: u64,
    /// Replies whose inbox was gone.
    pub lost_replies: u64,
    /// Registered instances.
    pub instances: u64,
}

/// One change of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryChange {
    /// An instance is there.
    Up(Arc<Instance>),
    /// An instance is gone.
    Down(Guid),
    /// A contract is known or has changed.
    Contract(Arc<Contract>),
    /// The contract of the service of this name is known no more.
    Forgotten(String),
    /// What follows a watch's start is complete up to here.
    Complete,
}
