//! The core of Skyloom: names, envelopes, status, the ports [`broker::Broker`] and
//! [`registry::Registry`], and the client and worker that use them. No sockets, no broker's name.

mod guid;
mod name;
mod channel;
mod text;
mod ledger;
mod status;
mod trace;
mod envelope;
pub mod contract;
pub mod broker;
pub mod registry;
mod codec;

pub use self::{
    channel::{Channel, ParseChannelError},
    codec::{Json, Payload},
    envelope::{Codec, DecodeEnvelopeError, Envelope, Headers, Kind},
    guid::{Guid, ParseGuidError},
    ledger::{Ledger, LedgerBook},
    name::{GroupName, MAX_NAME, MethodName, NameError, QueueName, TopicName},
    registry::ServiceRef,
    status::{Code, Detail, Outcome, Result, Status},
    text::Text,
    trace::{ParseTraceError, TraceContext},
};
