//! The core of Skyloom: names, envelopes, status, the ports [`broker::Broker`] and
//! [`registry::Registry`], and the client and worker that use them. No sockets, no broker's name.

pub mod broker;
mod channel;
pub mod client;
mod codec;
mod context;
pub mod contract;
mod envelope;
mod guid;
mod ledger;
mod name;
pub mod registry;
pub mod service;
mod status;
mod streaming;
mod text;
mod trace;
pub mod worker;

pub use self::{
    channel::{Channel, ParseChannelError},
    codec::{Empty, HttpBody, Json, Payload},
    context::Context,
    envelope::{Codec, DecodeEnvelopeError, Envelope, Headers, Kind},
    guid::{Guid, ParseGuidError},
    ledger::{Ledger, LedgerBook},
    name::{GroupName, MAX_NAME, MethodName, NameError, QueueName, TopicName},
    registry::ServiceRef,
    status::{Code, Detail, Outcome, Result, Status},
    streaming::{StreamSender, Streaming},
    text::Text,
    trace::{ParseTraceError, TraceContext},
};
