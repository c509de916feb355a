//! [`NatsBroker`] itself.

use std::{fmt, sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, ReplySink,
    },
};
use tokio::{
    sync::mpsc::unbounded_channel,
    time::{Instant, sleep, timeout},
};

use super::{
    connect::WITHOUT,
    handle::Handle,
    link::Phase,
    names::Target,
    open::open,
    options::NatsOptions,
    outbox::{Outgoing, Then},
    work::Worker,
};
use crate::remote::{BrokerUrl, OpenError};

/// How long closing waits until everything is written and confirmed.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// A connection to NATS. Clones share it.
///
/// It connects anew by itself; what it is asked to do meanwhile waits, up to its deadline.
#[derive(Clone)]
pub struct NatsBroker {
    handle: Arc<Handle>,
}

impl NatsBroker {
    /// Connects to the server, or to one of the cluster, that the URL names.
    ///
    /// # Errors
    /// [`OpenError`]: the URL makes no sense, nobody is there for as long as `patience` lasts, or whoever is there
    /// cannot be used.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        let link = open(url, NatsOptions::of(url)?, patience, WITHOUT).await?;
        Ok(Self { handle: Arc::new(Handle(link)) })
    }

    fn send(&self, target: Target, envelope: Arc<Envelope>) -> Ack {
        let link = &self.handle.0;
        if let Err(error) = link.fits(&envelope) {
            return Ack::ready(Err(error));
        }
        let told = envelope.reply_to.filter(|inbox| link.outbox().sinks.contains_key(inbox));
        let since = Instant::now();
        // The refusal of a call reaches its inbox, if that is one of this connection's.
        let (then, ack) = match told {
            Some(inbox) if link.phase() == Phase::Live => {
                link.load().sent(envelope.id);
                (Then::Call { inbox, sent: None }, Ack::ready(Ok(())))
            }
            Some(inbox) => {
                let (sender, ack) = Ack::waiting();
                (Then::Call { inbox, sent: Some(sender) }, ack)
            }
            None => {
                let (sender, ack) = Ack::waiting();
                (Then::Confirm(sender), ack)
            }
        };
        link.submit(Outgoing { target, envelope, headers: None, then, since, replaces: None });
        ack
    }
}

impl Broker for NatsBroker {
    fn capabilities(&self) -> Capabilities {
        self.handle.0.capabilities
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        let unsupported = |operation| {
            Ack::ready(Err(BrokerError::Unsupported { broker: self.handle.0.capabilities.broker, operation }))
        };
        if options.priority != EnqueueOptions::DEFAULT_PRIORITY {
            return unsupported("deliver by priority");
        }
        if !options.delay.is_zero() {
            return unsupported("hold a message back");
        }
        if let Channel::Group(..) = channel {
            return unsupported("put work on one group of a topic; publish it to the topic");
        }
        self.send(Target::of(channel), envelope)
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        self.send(Target::Topic(topic.clone()), envelope)
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let (sender, deliveries) = unbounded_channel();
        let (opened, ack) = Ack::waiting();
        let options = ConsumeOptions { credit: options.credit.max(1), ..options };
        let worker = Worker::new(Arc::clone(&self.handle), channel, options, sender);
        tokio::spawn(Arc::clone(&worker).tend());
        tokio::spawn(Arc::clone(&worker).run(opened));
        // Made at once, so that it is stopped if nobody waits for it any more.
        let consumer = Consumer::new(deliveries, worker);
        Box::pin(async move { ack.await.map(|()| consumer) })
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        Box::pin(super::inbox::open(&self.handle, sink))
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        Box::pin(self.handle.0.depth(channel))
    }

    fn admin(&self) -> Option<&dyn Admin> {
        (!self.handle.0.options.core).then_some(&*self.handle)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let link = &self.handle.0;
            let written = async {
                link.send_gathered();
                while link.phase() == Phase::Live && !link.outbox().is_empty() {
                    sleep(Duration::from_millis(1)).await;
                }
                drop(link.client.flush().await);
            };
            // A consumer that was stopped just before may leave something behind at the server, if it is not let.
            drop(timeout(CLOSE_TIME, async { tokio::join!(link.all_left(), written) }).await);
            link.close();
            // What was gathered until then; after that nothing is.
            link.send_gathered();
            // Consumers end; whoever still holds a handle finds it closed.
            drop(timeout(CLOSE_TIME, link.client.drain()).await);
        })
    }
}

impl fmt::Display for NatsBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.handle.0.address)
    }
}

impl fmt::Debug for NatsBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
