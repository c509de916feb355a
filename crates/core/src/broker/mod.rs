//! The port that a message broker implements for Skyloom.

mod ack;
mod admin;
mod capabilities;
mod consumer;
mod delivery;
mod error;
mod inbox;
mod port;

pub use self::{
    ack::{Ack, AckSender},
    admin::{Admin, ChannelStats, DeadLetter},
    capabilities::{Capabilities, Persistence},
    consumer::{ConsumeOptions, Consumer, ConsumerControl},
    delivery::{Delivery, Lease, Leases, Settlement},
    error::BrokerError,
    inbox::{Inbox, InboxGuard, ReplySink},
    port::{BoxFuture, Broker, Depth, EnqueueOptions},
};
