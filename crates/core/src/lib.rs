//! The core of Skyloom: names, envelopes, status, the ports [`broker::Broker`] and
//! [`registry::Registry`], and the client and worker that use them. No sockets, no broker's name.

mod moment;
mod busy_poll;
mod guid;
mod ledger;
mod name;
mod channel;
mod text;
mod trace;
mod status;
mod streaming;
mod envelope;
pub mod broker;
pub mod contract;
pub mod registry;
mod codec;
pub mod client;
mod context;
pub mod service;
pub mod worker;

pub use self::{
    busy_poll::{BusyPoll, set_busy_poll},
    channel::{Channel, ParseChannelError},
    codec::{Empty, HttpBody, Json, Payload},
    context::Context,
    contract::ServiceRef,
    envelope::{Codec, DecodeEnvelopeError, Envelope, Extras, Headers, Kind},
    guid::{Guid, ParseGuidError},
    ledger::{Ledger, LedgerBook},
    moment::Moment,
    name::{GroupName, MAX_NAME, MethodName, NameError, QueueName, TopicName},
    status::{Code, Detail, Outcome, Result, Status},
    streaming::{StreamSender, Streaming},
    text::Text,
    trace::{ParseTraceError, TraceContext},
};
