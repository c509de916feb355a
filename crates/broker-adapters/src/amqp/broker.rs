//! [`AmqpBroker`] itself.

use std::{fmt, sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, ConsumerControl, Depth,
        EnqueueOptions, Inbox, InboxGuard, ReplySink,
    },
};
use tokio::{
    sync::mpsc::unbounded_channel,
    time::{Instant, sleep, timeout},
};

use super::{
    admin::Operator,
    driver::{connect, drive},
    guarantees::capabilities,
    options::AmqpOptions,
    shared::Shared,
    state::{Phase, State},
};
use crate::remote::{BrokerUrl, OpenError, Pauses};

/// How long closing waits until everything is written and the server has taken note.
const CLOSE_TIME: Duration = Duration::from_secs(4);

/// A connection to RabbitMQ. Clones share it.
///
/// If it is lost, it is made again; what it is asked to do meanwhile waits, up to its deadline.
#[derive(Clone)]
pub struct AmqpBroker {
    handle: Arc<Handle>,
    capabilities: Capabilities,
}

/// What the clones share; without it the connection ends.
struct Handle(Arc<Operator>);

impl Handle {
    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        close(self.shared());
    }
}

fn close(shared: &Shared) {
    shared.with(|state| match state.phase {
        Phase::Live => state.phase = Phase::Closing,
        Phase::Away => state.phase = Phase::Closed,
        Phase::Closing | Phase::Closed => {}
    });
    shared.work.notify_one();
}

impl AmqpBroker {
    /// Connects to the server that a URL names, `amqp://` or `amqps://`, and waits this long for it to be there.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the URL, that nobody answers, or why the server cannot be used.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        let options = AmqpOptions::of(url)?;
        let (until, mut pauses) = (Instant::now() + patience, Pauses::default());
        let first = loop {
            match connect(&options).await {
                Ok(dialled) => break dialled,
                Err(error @ OpenError::Absent { .. }) => {
                    let pause = pauses.next();
                    if Instant::now() + pause > until {
                        return Err(error);
                    }
                    sleep(pause).await;
                }
                Err(error) => return Err(error),
            }
        };
        let shared = Shared::new(options.clone(), url.to_string());
        let capabilities = capabilities(&options);
        shared.with(|state| state.attach(first.tuned, &first.server));
        tokio::spawn(Box::pin(drive(Arc::clone(&shared), options, first)));
        Ok(Self { handle: Arc::new(Handle(Arc::new(Operator(shared)))), capabilities })
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.shared().with(change)
    }
}

impl Broker for AmqpBroker {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        self.with(|state| state.enqueue(channel, envelope, options))
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        self.with(|state| state.announce(topic, envelope))
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let (sender, deliveries) = unbounded_channel();
        let (consumer, ack) = self.with(|state| state.consume(channel, options, sender));
        // Made at once, so that it is stopped if nobody waits for it any more.
        let control = Control { handle: Arc::clone(&self.handle), consumer };
        let consumer = Consumer::new(deliveries, Arc::new(control));
        Box::pin(async move { ack.await.map(|()| consumer) })
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        let inbox = Guid::private();
        let ack = self.with(|state| state.open_inbox(inbox, sink));
        let guard = Inbox::new(inbox, Box::new(Guard { handle: Arc::clone(&self.handle), inbox }));
        Box::pin(async move { ack.await.map(|()| guard) })
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        Box::pin(self.handle.0.depth(channel))
    }

    fn admin(&self) -> Option<&dyn Admin> {
        Some(&*self.handle.0)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        close(self.shared());
        let mut ended = self.shared().ended.subscribe();
        Box::pin(async move {
            // A driver that does not run has nothing to write either.
            drop(timeout(CLOSE_TIME, ended.wait_for(|ended| *ended)).await);
        })
    }
}

/// Where it is, without the password.
impl fmt::Display for AmqpBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shared().address)
    }
}

impl fmt::Debug for AmqpBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Control {
    handle: Arc<Handle>,
    consumer: u32,
}

impl ConsumerControl for Control {
    fn stop(&self) -> Ack {
        self.handle.shared().with(|state| state.stop(self.consumer))
    }
}

struct Guard {
    handle: Arc<Handle>,
    inbox: Guid,
}

impl InboxGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.handle.shared().with(|state| state.close_inbox(self.inbox));
    }
}
