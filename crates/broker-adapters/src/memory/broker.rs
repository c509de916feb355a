//! [`MemoryBroker`] itself.

use std::{fmt, future::ready, sync::Arc};

use skyloom_broker::engine::{Input, Limits, Message};
use skyloom_core::{
    Channel, Envelope, Guid, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, ReplySink,
    },
    contract::Contract,
    registry::Instance,
};

use super::{
    hub::{Hub, TICKET},
    link::{Control, Guard, Link},
    stream::Body,
    taker::Taker,
};
use crate::{
    embedded,
    registry::{RegistryLink, RegistryView},
};

/// A broker inside the process. Clones share one connection to it.
#[derive(Clone)]
pub struct MemoryBroker {
    link: Arc<Link>,
    max_message: usize,
}

impl MemoryBroker {
    /// An empty broker with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { link: Link::new(Hub::new(limits)), max_message: limits.message_bytes }
    }

    /// Another connection to the same broker, as another process would have one: what this one
    /// leases only this one settles.
    #[must_use]
    pub fn connect(&self) -> Self {
        Self { link: Link::new(Arc::clone(&self.link.hub)), max_message: self.max_message }
    }
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

fn message(envelope: Arc<Envelope>, options: EnqueueOptions, limit: usize) -> Message<Body> {
    Message {
        id: envelope.id,
        reply_to: envelope.reply_to,
        priority: options.priority,
        delay: options.delay,
        time_to_live: envelope.budget,
        size: embedded::size(&envelope, limit),
        body: envelope,
    }
}

impl Broker for MemoryBroker {
    fn capabilities(&self) -> Capabilities {
        embedded::capabilities("memory", self.max_message)
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        let message = message(envelope, options, self.max_message);
        Ack::ready(self.link.hub.enqueue(self.link.conn, channel, message))
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        let message = message(envelope, EnqueueOptions::default(), self.max_message);
        self.link.ask(Input::Publish { conn: self.link.conn, ticket: TICKET, topic: topic.clone(), message })
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let consumed = self.link.hub.consume(self.link.conn, channel, options);
        let consumer = consumed.map(|consumer| {
            let deliveries = Taker::new(Arc::clone(&self.link), consumer);
            Consumer::new(deliveries, Arc::new(Control { link: Arc::clone(&self.link), consumer }))
        });
        Box::pin(ready(consumer))
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        let opened = self.link.hub.open_inbox(self.link.conn, sink);
        let inbox = opened.map(|inbox| Inbox::new(inbox, Box::new(Guard { link: Arc::clone(&self.link), inbox })));
        Box::pin(ready(inbox))
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        Box::pin(ready(self.link.depth(channel)))
    }

    fn admin(&self) -> Option<&dyn Admin> {
        Some(&*self.link)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.link.hub.disconnect(self.link.conn);
        Box::pin(ready(()))
    }
}

impl RegistryLink for MemoryBroker {
    fn register(&self, instance: Instance, contracts: Vec<Contract>) -> Ack {
        let instance = Box::new(instance);
        self.link.ask(Input::Register { conn: self.link.conn, ticket: TICKET, instance, contracts })
    }

    fn deregister(&self, instance: Guid) -> Ack {
        self.link.ask(Input::Deregister { conn: self.link.conn, ticket: TICKET, instance })
    }

    fn forget(&self, service: &str) -> BoxFuture<'static, Result<bool, BrokerError>> {
        Box::pin(ready(self.link.forget(service)))
    }

    fn follow(&self) -> Arc<RegistryView> {
        self.link.hub.follow(self.link.conn)
    }
}

impl fmt::Debug for MemoryBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory:")
    }
}
