//! Skyloom: services that talk through queues.

pub use skyloom_core::{
    Channel, Code, Codec, Context, Detail, Envelope, GroupName, Guid, Headers, Json, Kind, Ledger, MethodName,
    NameError, Outcome, Payload, QueueName, Result, ServiceRef, Status, StreamSender, Streaming, Text, TopicName,
    TraceContext, broker, client, contract, registry, service, worker,
};
