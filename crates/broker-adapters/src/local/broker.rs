//! [`LocalBroker`] itself.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use skyloom_broker::{
    door::Address,
    engine::{Message, Ticket},
    wire::ClientFrame,
};
use skyloom_core::{
    Channel, Envelope, Guid, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, ReplySink,
    },
    contract::Contract,
    registry::Instance,
};
use tokio::{sync::mpsc::unbounded_channel, time::timeout};

use super::{
    LocalOptions,
    driver::drive,
    handle::{Control, Guard, Handle},
    shared::{Shared, Stage},
    standing::Stream,
    state::{Confirm, State},
    tickets::Waiting,
};
use crate::{
    embedded,
    registry::{RegistryLink, RegistryView},
};

/// How long closing waits until everything is written and the broker has taken note.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// A connection to a broker in another process of this host. Clones share it.
///
/// It connects by itself, again and again; what it is asked to do meanwhile waits, up to its
/// deadline.
#[derive(Clone)]
pub struct LocalBroker {
    handle: Arc<Handle>,
}

impl LocalBroker {
    /// A connection to the broker at this address, and the driver that makes it and keeps it. The
    /// caller spawns the driver; it ends when the connection is closed or its last handle dropped.
    pub fn connect(address: Address, options: LocalOptions) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::new(Shared::new(address, options));
        let handle = Arc::new(Handle(Arc::clone(&shared)));
        let driver = drive(shared, Arc::downgrade(&handle));
        (Self { handle }, driver)
    }

    /// As [`LocalBroker::connect`], with the driver on the runtime that is in use.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn spawn(address: Address, options: LocalOptions) -> Self {
        let (broker, driver) = Self::connect(address, options);
        tokio::spawn(driver);
        broker
    }

    /// Where the broker is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.handle.0.address
    }

    /// Waits until there is a connection.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] says why there was none within this time.
    pub async fn ready(&self, time: Duration) -> Result<(), BrokerError> {
        let mut stage = self.handle.0.stage.subscribe();
        let reached = timeout(time, stage.wait_for(|stage| *stage != Stage::Away)).await;
        match reached {
            Ok(Ok(stage)) if *stage == Stage::Live => Ok(()),
            _ => Err(self.handle.0.lock().unavailable()),
        }
    }

    fn too_large(envelope: &Envelope, state: &State) -> Result<usize, BrokerError> {
        let limit = state.max_message;
        let size = embedded::size(envelope, limit);
        if size > limit { Err(BrokerError::TooLarge { size, limit }) } else { Ok(size) }
    }

    fn send<'e>(
        &self,
        envelope: &'e Envelope,
        options: EnqueueOptions,
        frame: impl FnOnce(Ticket, Message<&'e Envelope>) -> ClientFrame<&'e Envelope>,
    ) -> Ack {
        let shared = &self.handle.0;
        let mut state = shared.lock();
        let size = match Self::too_large(envelope, &state) {
            Ok(size) => size,
            Err(error) => return Ack::ready(Err(error)),
        };
        let message = Message {
            id: envelope.id,
            reply_to: envelope.reply_to,
            priority: options.priority,
            delay: options.delay,
            time_to_live: envelope.budget,
            size,
            body: envelope,
        };
        // The refusal of a call reaches its inbox, if that is one of this connection's.
        let told = envelope.reply_to.is_some_and(|inbox| state.standing.sinks.contains_key(&inbox));
        let confirm = if told { Confirm::Unneeded } else { Confirm::Awaited };
        let (ack, wake) = state.submit(confirm, |ticket| frame(ticket, message));
        drop(state);
        shared.wake(wake);
        ack
    }
}

impl Broker for LocalBroker {
    fn capabilities(&self) -> Capabilities {
        embedded::capabilities("local", self.handle.0.lock().max_message)
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        let frame = |ticket, message| ClientFrame::Enqueue { ticket, channel: channel.clone(), message };
        self.send(&envelope, options, frame)
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        let frame = |ticket, message| ClientFrame::Publish { ticket, topic: topic.clone(), message };
        self.send(&envelope, EnqueueOptions::default(), frame)
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let (sender, deliveries) = unbounded_channel();
        let (opened, ack) = Ack::waiting();
        let consumer = self.handle.0.lock().next_consumer();
        self.handle.0.announce(|state| {
            state.standing.streams.insert(consumer, Stream { channel, options, sender, opened: Some(opened) });
            Waiting::Consume(consumer)
        });
        // Made at once, so that it is stopped if nobody waits for it any more.
        let consumer = Consumer::new(deliveries, Arc::new(Control { handle: Arc::clone(&self.handle), consumer }));
        Box::pin(async move { ack.await.map(|()| consumer) })
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        let inbox = Guid::private();
        let ack = self.handle.open_inbox(inbox, sink);
        // Made at once, so that it is closed if nobody waits for it any more.
        let guard = Inbox::new(inbox, Box::new(Guard { handle: Arc::clone(&self.handle), inbox }));
        Box::pin(async move { ack.await.map(|()| guard) })
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        Box::pin(self.handle.depth(channel))
    }

    fn admin(&self) -> Option<&dyn Admin> {
        Some(&*self.handle)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.handle.0.close();
        let mut stage = self.handle.0.stage.subscribe();
        Box::pin(async move {
            // A driver that is not being run has nothing to write either.
            drop(timeout(CLOSE_TIME, stage.wait_for(|stage| *stage == Stage::Ended)).await);
        })
    }
}

impl RegistryLink for LocalBroker {
    fn register(&self, instance: Instance, contracts: Vec<Contract>) -> Ack {
        self.handle.register(instance, contracts)
    }

    fn deregister(&self, instance: Guid) -> Ack {
        self.handle.deregister(instance)
    }

    fn forget(&self, service: &str) -> BoxFuture<'static, Result<bool, BrokerError>> {
        let (handle, service) = (Arc::clone(&self.handle), service.to_owned());
        Box::pin(async move { handle.forget(service).await })
    }

    fn follow(&self) -> Arc<RegistryView> {
        self.handle.follow()
    }
}

impl fmt::Debug for LocalBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.address(), f)
    }
}
