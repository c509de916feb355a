//! [`Broker`] itself.

use std::{fmt, sync::Arc, time::Duration};

use super::{Ack, Admin, BoxFuture, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, Inbox, ReplySink};
use crate::{Channel, Envelope, TopicName};

/// How to enqueue an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnqueueOptions {
    /// Lower is sooner, as with beanstalkd. Default 1024.
    pub priority: u32,
    /// How long to hold it back before a worker may have it.
    pub delay: Duration,
}

impl EnqueueOptions {
    /// The priority of a message for which none was given.
    pub const DEFAULT_PRIORITY: u32 = 1024;
}

impl Default for EnqueueOptions {
    fn default() -> Self {
        Self { priority: Self::DEFAULT_PRIORITY, delay: Duration::ZERO }
    }
}

/// What a message broker does for Skyloom; the only thing that an adapter implements.
///
/// A handle is cheap to clone behind its `Arc`. Every method may be called from any task. What the
/// broker guarantees is said by [`Broker::capabilities`]; what it does not guarantee, it refuses.
pub trait Broker: fmt::Debug + Send + Sync + 'static {
    /// What this broker guarantees.
    fn capabilities(&self) -> Capabilities;

    /// Puts an envelope on a channel.
    ///
    /// For a call (an envelope with `reply_to`) the [`Ack`] may resolve as soon as it is certain
    /// that a refusal would reach the inbox by [`ReplySink::refused`]. For a cast it resolves when
    /// the broker has accepted. Its error says whether the envelope may have been accepted:
    /// [`BrokerError::Lost`] means that it may, every other error that it was not.
    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack;

    /// Puts an event on a topic; every subscribed group gets it once. Without a group it is
    /// accepted and dropped. Refused as a whole if one of the groups is full.
    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack;

    /// Takes deliveries from a channel until the consumer is dropped. Consuming a
    /// [`Channel::Group`] subscribes the group to its topic.
    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>>;

    /// Opens a private inbox; replies go to the sink. The inbox survives a short reconnect.
    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>>;

    /// How much work a channel holds; zero for a channel that does not exist.
    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>>;

    /// An operator's view, if the broker has one.
    fn admin(&self) -> Option<&dyn Admin>;

    /// Writes out what is pending and closes. Consumers end, inboxes expire.
    fn close(&self) -> BoxFuture<'_, ()>;
}
