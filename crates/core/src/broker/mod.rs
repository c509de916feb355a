//! The port that a message broker implements for Skyloom.

mod future;
mod error;
mod ack;
mod capabilities;
mod lease;
mod delivery;
mod consumer;
mod depth;
mod admin;
mod inbox;
mod port;

pub use self::{
    ack::{Ack, AckSender},
    admin::{Admin, ChannelStats, DeadLetter},
    capabilities::{Capabilities, Persistence},
    consumer::{ConsumeOptions, Consumer, ConsumerControl, DeliveryStream},
    delivery::Delivery,
    depth::Depth,
    error::BrokerError,
    future::BoxFuture,
    inbox::{Inbox, InboxGuard, ReplySink},
    lease::{Holding, Lease, Leases, Settlement},
    port::{Broker, EnqueueOptions},
};
