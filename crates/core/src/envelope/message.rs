//! [`Envelope`] itself.

use std::time::Duration;

use bytes::Bytes;

use super::{Extras, Headers};
use crate::{Guid, Ledger, Status, Text, TraceContext};

/// What an envelope is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Kind {
    /// A request that expects exactly one final reply.
    #[default]
    Call = 0,
    /// One-way work.
    Cast = 1,
    /// A message on a topic.
    Event = 2,
    /// One of zero or more replies before the final one.
    Partial = 3,
    /// The final reply: a payload, or a status that says what went wrong.
    Reply = 4,
    /// A streaming handler has started; `origin` says which instance runs it.
    Started = 5,
    /// The caller has lost interest in the call `id`; sent to the instance that runs it.
    Cancel = 6,
}

impl Kind {
    pub(super) const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Call,
            1 => Self::Cast,
            2 => Self::Event,
            3 => Self::Partial,
            4 => Self::Reply,
            5 => Self::Started,
            6 => Self::Cancel,
            _ => return None,
        })
    }
}

/// How a payload is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Codec {
    /// Protocol Buffers.
    #[default]
    Protobuf = 0,
    /// JSON, UTF-8.
    Json = 1,
}

impl Codec {
    pub(super) const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Protobuf),
            1 => Some(Self::Json),
            _ => None,
        }
    }

    /// Its name in a sentence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Json => "JSON",
        }
    }
}

/// One message between a client and a worker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    /// The call's GUID; a cast and an event have one of their own.
    pub id: Guid,
    /// What it is for.
    pub kind: Kind,
    /// How the payload is encoded.
    pub codec: Codec,
    /// The method, such as `Hello`; an event's topic; empty on a reply. To one instance: its own method, such as
    /// `Ping`, or with its queue that of a service that it serves, such as `greeter.v1/Hello`.
    pub method: Text,
    /// The inbox that awaits the reply; none for casts and events.
    pub reply_to: Option<Guid>,
    /// How much of the caller's time was left when this was sent; none on replies and events.
    pub budget: Option<Duration>,
    /// On a reply: what the call cost on the worker's side. On a request: what was spent before.
    pub ledger: Ledger,
    /// On replies: the instance that answers.
    pub origin: Option<Guid>,
    /// On replies: which attempt this answer comes from, 1 for the first.
    pub attempt: u32,
    /// On a final reply: why the call failed.
    pub status: Option<Status>,
    /// The encoded message.
    pub payload: Bytes,
    /// Headers, trace, principal, and what this version does not know.
    pub extras: Extras,
}

impl Envelope {
    /// An envelope of this kind and nothing else but a GUID.
    #[inline]
    #[must_use]
    pub fn new(kind: Kind, id: Guid) -> Self {
        Self { id, kind, ..Self::default() }
    }

    /// Of a request to one instance: the queue and the method, if it is for one of the services that it serves.
    #[must_use]
    pub fn service_method(&self) -> Option<(&str, &str)> {
        self.method.as_str().split_once('/')
    }

    /// Headers of the caller or, on a reply, of the handler.
    #[inline]
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.extras.headers()
    }

    /// The trace it belongs to.
    #[inline]
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.extras.trace()
    }

    /// Who is asking, as stamped by the gateway or the broker.
    #[inline]
    #[must_use]
    pub fn principal(&self) -> Option<&Text> {
        self.extras.principal()
    }
}
