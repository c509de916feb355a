//! What the engine is told.

use std::time::Duration;

use skyloom_core::{
    Channel, GroupName, Guid, TopicName,
    broker::{ConsumeOptions, Lease},
    contract::Contract,
    registry::Instance,
};

use super::{JobCommand, Message};

/// A connection to the engine, named by whoever drives it. Numbers are not reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conn(pub u64);

/// A consumer of one connection, named by the client; unique on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsumerId(pub u32);

/// A client's name for a request whose result it wants to hear; 0: it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u32);

impl Ticket {
    /// No result is wanted.
    pub const NONE: Self = Self(0);
}

/// How a lease ends. As `skyloom_core::broker::Settlement`, with the door's form of the reply.
#[derive(Clone, Debug)]
pub enum Settle<M> {
    /// The reply goes to the request's inbox and the lease ends.
    Reply(M),
    /// Done, without an answer.
    Done,
    /// Try again after a delay; counts as an attempt.
    Retry {
        /// How long to hold it back.
        delay: Duration,
        /// Why.
        reason: String,
    },
    /// Given back untouched; the attempt does not count.
    Release,
    /// Becomes a dead letter.
    Bury {
        /// Why.
        reason: String,
    },
}

/// One thing that happens to the engine.
#[derive(Clone, Debug)]
pub enum Input<M> {
    /// A connection has been made. Everything else from an unknown connection is ignored. Over the
    /// limit of connections it is answered by `Output::Closed` and stays unknown.
    Connect {
        /// Its name.
        conn: Conn,
        /// The client behind it, in a GUID that only the two of them know. A client that comes back
        /// after a planned restart of the broker, or on a new connection before the end of the old
        /// one was noticed, proves by it that its inboxes, leases and instances are its own.
        session: Guid,
    },
    /// A connection is gone. Its leases return at once as failed attempts, its consumers and
    /// registrations vanish, its inboxes stay for their grace period.
    Disconnect(Conn),
    /// The connection gave a sign of life (any input from it does that too). A consumer whose lease
    /// ran out gets nothing more until its connection gives one.
    Heard(Conn),
    /// Put a message on a channel.
    Enqueue {
        /// From whom.
        conn: Conn,
        /// Whether to confirm. A refusal of a message with `reply_to` is always told.
        ticket: Ticket,
        /// Where to.
        channel: Channel,
        /// What.
        message: Message<M>,
    },
    /// Put an event on a topic: one copy for each group, all or none.
    Publish {
        /// From whom.
        conn: Conn,
        /// Whether to confirm.
        ticket: Ticket,
        /// Where to.
        topic: TopicName,
        /// What.
        message: Message<M>,
    },
    /// Start consuming a channel. A group is created and subscribed by its first consumer.
    Consume {
        /// By whom.
        conn: Conn,
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// The consumer's name.
        consumer: ConsumerId,
        /// From where.
        channel: Channel,
        /// How.
        options: ConsumeOptions,
    },
    /// No more deliveries to a consumer; what it holds stays leased.
    Stop {
        /// Whose.
        conn: Conn,
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// Which.
        consumer: ConsumerId,
    },
    /// Remove a group and what waits in it.
    Unsubscribe {
        /// By whom.
        conn: Conn,
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
    },
    /// Open an inbox, or take it up again after a reconnect. It belongs to the session that opened
    /// it first.
    OpenInbox {
        /// Whose.
        conn: Conn,
        /// Confirmed under this ticket; refused if somebody else holds it.
        ticket: Ticket,
        /// Its GUID.
        inbox: Guid,
    },
    /// Close an inbox at once.
    CloseInbox {
        /// Whose.
        conn: Conn,
        /// Its GUID.
        inbox: Guid,
    },
    /// End a lease. Only the connection that holds it may.
    Settle {
        /// By whom.
        conn: Conn,
        /// Whether to confirm.
        ticket: Ticket,
        /// Which lease.
        lease: Lease,
        /// How.
        settle: Settle<M>,
    },
    /// A reply that is not the final one.
    Partial {
        /// By whom.
        conn: Conn,
        /// Whether to confirm.
        ticket: Ticket,
        /// The request's lease.
        lease: Lease,
        /// The reply.
        body: M,
    },
    /// Start a lease's time anew.
    Extend {
        /// By whom.
        conn: Conn,
        /// Whether to confirm.
        ticket: Ticket,
        /// Which lease.
        lease: Lease,
    },
    /// Make this lease the message's last: however it ends, there is no redelivery; if it ends
    /// without a reply, the message becomes a dead letter and its inbox hears `BrokerError::Lost`.
    Once {
        /// By whom.
        conn: Conn,
        /// Whether to confirm.
        ticket: Ticket,
        /// Which lease.
        lease: Lease,
    },
    /// Make an instance and its contracts known for as long as the connection lives.
    Register {
        /// By whom.
        conn: Conn,
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// The instance.
        instance: Box<Instance>,
        /// Its contracts.
        contracts: Vec<Contract>,
    },
    /// Forget an instance.
    Deregister {
        /// By whom.
        conn: Conn,
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// Which.
        instance: Guid,
    },
    /// Be told everything that is registered now and every change after it.
    Watch {
        /// By whom.
        conn: Conn,
    },
    /// An operator's question or order.
    Admin {
        /// By whom.
        conn: Conn,
        /// Answered under this ticket.
        ticket: Ticket,
        /// What.
        command: AdminCommand,
    },
    /// What a connection that speaks of jobs and tubes asks or orders.
    Job {
        /// By whom.
        conn: Conn,
        /// What.
        command: JobCommand<M>,
    },
    /// Time has passed: end leases, release delayed messages, expire inboxes.
    Tick,
}

/// What an operator asks or orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCommand {
    /// Every channel's figures.
    Channels,
    /// One channel's depth.
    Depth(Channel),
    /// Dead letters, oldest first, at most so many (and at most [`LISTED`](super::LISTED)).
    Dead(Channel, u32),
    /// Make dead letters ready again: one by number, or up to so many.
    Kick(Channel, Option<u64>, u32),
    /// Delete dead letters: one by number, or all.
    DropDead(Channel, Option<u64>),
    /// Hold back deliveries for this long; zero resumes. Answered by `Output::Done`.
    Pause(Channel, Duration),
    /// The messages that would be delivered next, at most so many (and at most
    /// [`LISTED`](super::LISTED)).
    Peek(Channel, u32),
    /// The engine's own totals.
    Totals,
    /// Forget the contract of the service of this full name, if no instance of it is registered.
    Forget(String),
}

impl<M> Input<M> {
    /// From which connection it comes; none for the passing of time.
    #[must_use]
    pub const fn conn(&self) -> Option<Conn> {
        match self {
            Self::Connect { conn, .. }
            | Self::Disconnect(conn)
            | Self::Heard(conn)
            | Self::Enqueue { conn, .. }
            | Self::Publish { conn, .. }
            | Self::Consume { conn, .. }
            | Self::Stop { conn, .. }
            | Self::Unsubscribe { conn, .. }
            | Self::OpenInbox { conn, .. }
            | Self::CloseInbox { conn, .. }
            | Self::Settle { conn, .. }
            | Self::Partial { conn, .. }
            | Self::Extend { conn, .. }
            | Self::Once { conn, .. }
            | Self::Register { conn, .. }
            | Self::Deregister { conn, .. }
            | Self::Watch { conn }
            | Self::Admin { conn, .. }
            | Self::Job { conn, .. } => Some(*conn),
            Self::Tick => None,
        }
    }
}
