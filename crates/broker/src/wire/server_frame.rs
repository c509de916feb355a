//! [`ServerFrame`] itself.

use std::time::Duration;

use skyloom_core::{
    Guid,
    broker::{BrokerError, Lease},
};

use crate::engine::{AdminAnswer, ConsumerId, RegistryChange, Ticket};

/// What the broker sends after its hello. As [`Output`](crate::engine::Output), which says what
/// each means. `B` is an envelope: [`Bytes`](bytes::Bytes) where it was received, anything that is
/// [`WriteBody`](super::WriteBody) where it is sent.
#[derive(Clone, Debug)]
pub enum ServerFrame<B> {
    /// A message for a consumer.
    Deliver {
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
        body: B,
    },
    /// A reply for an inbox.
    Reply {
        /// Which inbox.
        inbox: Guid,
        /// The reply.
        body: B,
    },
    /// A call was refused, or dropped unexecuted, or became a dead letter.
    Refused {
        /// Its inbox.
        inbox: Guid,
        /// Which call.
        call: Guid,
        /// Why.
        error: BrokerError,
    },
    /// What was asked for under a ticket is done, or was refused.
    Done {
        /// Under which ticket.
        ticket: Ticket,
        /// How it went.
        result: Result<(), BrokerError>,
    },
    /// The answer to an operator.
    Admin {
        /// Under which ticket.
        ticket: Ticket,
        /// The answer. A list has fewer items than were asked for if they would not fit.
        answer: AdminAnswer<B>,
    },
    /// News from the registry.
    Registry(RegistryChange),
    /// The answer to a ping.
    Pong,
    /// The broker is about to stop as planned. The client finishes the frame it is writing, sends
    /// [`ClientFrame::Bye`](super::ClientFrame::Bye), reads to the end and comes back.
    GoAway {
        /// Why.
        reason: String,
    },
    /// The client broke the protocol or a limit; the connection ends here.
    Failed {
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// The frame types; the broker's are from 0x80.
pub(super) mod kind {
    pub(crate) const DELIVER: u8 = 0x81;
    pub(crate) const REPLY: u8 = 0x82;
    pub(crate) const REFUSED: u8 = 0x83;
    pub(crate) const DONE: u8 = 0x84;
    pub(crate) const ADMIN: u8 = 0x85;
    pub(crate) const REGISTRY: u8 = 0x86;
    pub(crate) const PONG: u8 = 0x87;
    pub(crate) const GO_AWAY: u8 = 0x88;
    pub(crate) const FAILED: u8 = 0x89;
}
