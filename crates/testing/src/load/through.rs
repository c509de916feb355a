//! [`Through`]: a broker in front of another.

use std::{fmt::Debug, sync::Arc};

use skyloom_core::{
    Channel, Envelope, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, ReplySink,
    },
};

/// What a broker in front of another does by itself; everything else goes through.
pub trait Front: Debug + Send + Sync + 'static {
    /// The broker behind it.
    fn behind(&self) -> &Arc<dyn Broker>;

    /// As [`Broker::enqueue`].
    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        self.behind().enqueue(channel, envelope, options)
    }

    /// As [`Broker::consume`].
    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        self.behind().consume(channel, options)
    }

    /// As [`Broker::open_inbox`].
    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        self.behind().open_inbox(sink)
    }
}

/// A broker in front of another.
#[derive(Debug)]
pub struct Through<F>(pub F);

impl<F: Front> Broker for Through<F> {
    fn capabilities(&self) -> Capabilities {
        self.0.behind().capabilities()
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        self.0.enqueue(channel, envelope, options)
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        self.0.behind().publish(topic, envelope)
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        self.0.consume(channel, options)
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        self.0.open_inbox(sink)
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        self.0.behind().depth(channel)
    }

    fn admin(&self) -> Option<&dyn Admin> {
        self.0.behind().admin()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.behind().close()
    }
}
