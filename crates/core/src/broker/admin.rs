//! An operator's view of a broker.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BoxFuture, BrokerError, Depth};
use crate::{Channel, Envelope, Guid};

/// One channel's figures. What the broker does not tell is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelStats {
    /// Its name.
    pub channel: Channel,
    /// Waiting for a worker.
    pub ready: u64,
    /// Held back until a delay ends.
    pub delayed: u64,
    /// With a worker, under a lease.
    pub leased: Option<u64>,
    /// Dead letters.
    pub dead: u64,
    /// Consumers.
    pub consumers: u64,
    /// Bytes held now.
    pub bytes: Option<u64>,
    /// Messages put on it since the broker started.
    pub enqueued: Option<u64>,
    /// Deliveries settled since the broker started.
    pub settled: Option<u64>,
    /// Deliveries that were not a message's first.
    pub redelivered: Option<u64>,
    /// Messages dropped because their time ran out before a worker took them.
    pub expired: Option<u64>,
    /// Age in milliseconds of the oldest waiting message.
    pub oldest_ms: Option<u64>,
    /// Whether deliveries are paused.
    pub paused: bool,
}

impl ChannelStats {
    /// Those of a channel of which nothing is known but what it holds.
    #[must_use]
    pub const fn new(channel: Channel, depth: Depth) -> Self {
        let Depth { ready, delayed, leased, dead, consumers } = depth;
        Self {
            channel,
            ready,
            delayed,
            leased: Some(leased),
            dead,
            consumers,
            bytes: None,
            enqueued: None,
            settled: None,
            redelivered: None,
            expired: None,
            oldest_ms: None,
            paused: false,
        }
    }
}

/// A message that was buried or has used up its attempts.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its number at the broker, unique in its channel.
    pub number: u64,
    /// The call's GUID.
    pub id: Guid,
    /// Why it is dead.
    pub reason: String,
    /// How often it was attempted.
    pub attempts: u32,
    /// How long ago it died.
    pub age: Duration,
    /// The message itself.
    pub envelope: Envelope,
}

/// What an operator may ask of a broker.
pub trait Admin: Send + Sync {
    /// What the server calls itself, as a name and a version: `RabbitMQ 3.10.8`; the embedded broker says which
    /// version of its protocol is spoken. None if it does not say, or is in this process.
    fn server(&self) -> BoxFuture<'_, Result<Option<String>, BrokerError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// All channels, by name.
    fn channels(&self) -> BoxFuture<'_, Result<Vec<ChannelStats>, BrokerError>>;

    /// A channel's dead letters, oldest first, at most `limit`.
    fn dead<'a>(&'a self, channel: &'a Channel, limit: u32) -> BoxFuture<'a, Result<Vec<DeadLetter>, BrokerError>>;

    /// Makes dead letters ready again with their attempts reset: one of them by number, or up to
    /// `limit`, oldest first. Returns how many.
    fn kick<'a>(
        &'a self,
        channel: &'a Channel,
        number: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'a, Result<u64, BrokerError>>;

    /// Deletes dead letters: one by number, or all. Returns how many.
    fn drop_dead<'a>(&'a self, channel: &'a Channel, number: Option<u64>) -> BoxFuture<'a, Result<u64, BrokerError>>;

    /// Holds back all deliveries of a channel for this long; zero resumes.
    fn pause<'a>(&'a self, channel: &'a Channel, time: Duration) -> BoxFuture<'a, Result<(), BrokerError>>;
}
