//! [`ClientFrame`] itself.

use skyloom_core::{
    Channel, GroupName, Guid, TopicName,
    broker::{ConsumeOptions, Lease},
    contract::Contract,
    registry::Instance,
};

use crate::engine::{AdminCommand, ConsumerId, Message, Settle, Ticket};

/// What a client sends after its hello. As [`Input`](crate::engine::Input), which says what each
/// means. `B` is an envelope: [`Bytes`](bytes::Bytes) where it was received, anything that is
/// [`WriteBody`](super::WriteBody) where it is sent.
#[derive(Clone, Debug)]
pub enum ClientFrame<B> {
    /// Put a message on a channel.
    Enqueue {
        /// Whether to confirm.
        ticket: Ticket,
        /// Where to.
        channel: Channel,
        /// What. Its `size` is that of the body and is not sent.
        message: Message<B>,
    },
    /// Put an event on a topic.
    Publish {
        /// Whether to confirm.
        ticket: Ticket,
        /// Where to.
        topic: TopicName,
        /// What.
        message: Message<B>,
    },
    /// Start consuming a channel.
    Consume {
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// The consumer's name.
        consumer: ConsumerId,
        /// From where.
        channel: Channel,
        /// How.
        options: ConsumeOptions,
    },
    /// No more deliveries to a consumer.
    Stop {
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// Which.
        consumer: ConsumerId,
    },
    /// Remove a group and what waits in it.
    Unsubscribe {
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// The topic.
        topic: TopicName,
        /// The group.
        group: GroupName,
    },
    /// Open an inbox, or take it up again after a reconnect.
    OpenInbox {
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// Its GUID.
        inbox: Guid,
    },
    /// Close an inbox at once.
    CloseInbox {
        /// Its GUID.
        inbox: Guid,
    },
    /// End a lease.
    Settle {
        /// Whether to confirm.
        ticket: Ticket,
        /// Which lease.
        lease: Lease,
        /// How.
        settle: Settle<B>,
    },
    /// A reply that is not the final one.
    Partial {
        /// Whether to confirm.
        ticket: Ticket,
        /// The request's lease.
        lease: Lease,
        /// The reply.
        body: B,
    },
    /// Start a lease's time anew.
    Extend {
        /// Whether to confirm.
        ticket: Ticket,
        /// Which lease.
        lease: Lease,
    },
    /// Make this lease the message's last.
    Once {
        /// Whether to confirm.
        ticket: Ticket,
        /// Which lease.
        lease: Lease,
    },
    /// Make an instance and its contracts known.
    Register {
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// The instance.
        instance: Box<Instance>,
        /// Its contracts.
        contracts: Vec<Contract>,
    },
    /// Forget an instance.
    Deregister {
        /// Confirmed under this ticket.
        ticket: Ticket,
        /// Which.
        instance: Guid,
    },
    /// Be told everything that is registered, now and from now on.
    Watch,
    /// An operator's question or order.
    Admin {
        /// Answered under this ticket.
        ticket: Ticket,
        /// What.
        command: AdminCommand,
    },
    /// A sign of life; answered by [`ServerFrame::Pong`](super::ServerFrame::Pong).
    Ping,
    /// The client's last frame on this connection. After a
    /// [`ServerFrame::GoAway`](super::ServerFrame::GoAway) it keeps leases and inboxes for the
    /// session; otherwise they end as with any closed connection.
    Bye,
}

/// The frame types; a client's are below 0x80.
pub(super) mod kind {
    pub(crate) const ENQUEUE: u8 = 0x01;
    pub(crate) const PUBLISH: u8 = 0x02;
    pub(crate) const CONSUME: u8 = 0x03;
    pub(crate) const STOP: u8 = 0x04;
    pub(crate) const UNSUBSCRIBE: u8 = 0x05;
    pub(crate) const OPEN_INBOX: u8 = 0x06;
    pub(crate) const CLOSE_INBOX: u8 = 0x07;
    pub(crate) const SETTLE: u8 = 0x08;
    pub(crate) const PARTIAL: u8 = 0x09;
    pub(crate) const EXTEND: u8 = 0x0a;
    pub(crate) const ONCE: u8 = 0x0b;
    pub(crate) const REGISTER: u8 = 0x0c;
    pub(crate) const DEREGISTER: u8 = 0x0d;
    pub(crate) const WATCH: u8 = 0x0e;
    pub(crate) const ADMIN: u8 = 0x0f;
    pub(crate) const PING: u8 = 0x10;
    pub(crate) const BYE: u8 = 0x11;
}

/// How a lease ends, by number.
pub(super) mod how {
    pub(crate) const REPLY: u8 = 0;
    pub(crate) const DONE: u8 = 1;
    pub(crate) const RETRY: u8 = 2;
    pub(crate) const RELEASE: u8 = 3;
    pub(crate) const BURY: u8 = 4;
}
