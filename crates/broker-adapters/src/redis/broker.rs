//! [`RedisBroker`] itself.

use std::{
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use skyloom_core::{
    Channel, Envelope, Guid, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, InboxGuard, ReplySink,
    },
};
use tokio::{
    sync::{mpsc::unbounded_channel, watch},
    time::{Instant, timeout},
};

use crate::remote::{BrokerUrl, OpenError};

use super::{
    admin::Operator,
    guarantees::capabilities,
    inbox::InboxReader,
    nodes::Stage,
    op::{Op, Then, What},
    open::open,
    reader::Reader,
    seat::{Control, Seat},
    shared::Shared,
};

/// How long closing waits for consumers to leave, and then until everything is written.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// A broker in Redis. Clones share its connections.
///
/// It connects by itself, again and again; what it is asked to do meanwhile waits, up to its deadline.
#[derive(Clone)]
pub struct RedisBroker {
    handle: Arc<Handle>,
}

/// Closes when the last clone is gone, and the last consumer and inbox.
struct Handle {
    shared: Arc<Shared>,
    operator: Operator,
}

impl Drop for Handle {
    fn drop(&mut self) {
        begin_to_close(&self.shared);
        self.shared.nodes.runtime.spawn(close(Arc::clone(&self.shared)));
    }
}

/// Nothing new is begun from here on.
fn begin_to_close(shared: &Shared) {
    // Later calls find it closed already.
    shared.nodes.stage.send_if_modified(|stage| {
        let is_open = *stage == Stage::Open;
        if is_open {
            *stage = Stage::Leaving;
        }
        is_open
    });
}

/// Lets consumers and inboxes end, and writes out what waits.
async fn close(shared: Arc<Shared>) {
    let nodes = &shared.nodes;
    let mut tasks = shared.tasks.subscribe();
    drop(timeout(CLOSE_TIME, tasks.wait_for(|tasks| *tasks == 0)).await);
    let unsent = nodes.unsent();
    let sinks = std::mem::take(&mut *shared.sinks.lock().unwrap_or_else(PoisonError::into_inner));
    for sink in sinks.into_values() {
        sink.lost(BrokerError::lost("it was closed"), &unsent);
    }
    nodes.stage.send_replace(Stage::Closing);
    let ended = async {
        for node in nodes.all() {
            node.ended().await;
        }
    };
    drop(timeout(CLOSE_TIME, ended).await);
}

impl RedisBroker {
    /// Connects to the Redis or the cluster that a URL names, and checks that it can be used.
    ///
    /// # Errors
    /// [`OpenError`] says why there is no connection; nobody is waited for longer than `patience`.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        let shared = open(url, patience).await?;
        let operator = Operator(Arc::clone(&shared));
        Ok(Self { handle: Arc::new(Handle { shared, operator }) })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// The envelope's bytes, if they may be sent.
    fn body(&self, envelope: &Envelope) -> Result<Bytes, BrokerError> {
        let nodes = &self.shared().nodes;
        if !nodes.is_open() {
            return Err(BrokerError::unavailable("the connection is closed"));
        }
        let (body, limit) = (envelope.encode(), nodes.options.limits.message_bytes);
        if body.len() > limit { Err(BrokerError::TooLarge { size: body.len(), limit }) } else { Ok(body) }
    }

    fn enqueue_body(&self, channel: &Channel, envelope: &Envelope, body: Bytes, delay: Duration) -> Ack {
        let shared = self.shared();
        let place = shared.names.channel(channel);
        shared.list(&place);
        let expires = envelope.budget.and_then(|budget| Instant::now().checked_add(budget));
        let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        // The refusal of a call reaches its inbox, if that is one of this connection's.
        let (then, ack) = match envelope.reply_to.and_then(|inbox| shared.sink(inbox)) {
            Some(sink) => {
                shared.nodes.load().sent(envelope.id);
                (Then::Call(sink, envelope.id), Ack::ready(Ok(())))
            }
            None => {
                let (sender, ack) = Ack::waiting();
                (Then::Ack(sender), ack)
            }
        };
        let op = Op::new(place, What::Put { delay, expires, body }, then);
        shared.nodes.submit(op.until(expires));
        ack
    }
}

impl Broker for RedisBroker {
    fn capabilities(&self) -> Capabilities {
        capabilities(&self.shared().nodes.options)
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        if options.priority != EnqueueOptions::DEFAULT_PRIORITY {
            let operation = "deliver by priority";
            return Ack::ready(Err(BrokerError::Unsupported { broker: "redis", operation }));
        }
        match self.body(&envelope) {
            Ok(body) => self.enqueue_body(channel, &envelope, body, options.delay),
            Err(error) => Ack::ready(Err(error)),
        }
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        let body = match self.body(&envelope) {
            Ok(body) => body,
            Err(error) => return Ack::ready(Err(error)),
        };
        let (sender, ack) = Ack::waiting();
        let place = Arc::new(self.shared().names.topic(topic));
        self.shared().nodes.submit(Op::new(place, What::Publish { body }, Then::Ack(sender)));
        ack
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        let shared = self.shared();
        if !shared.nodes.is_open() {
            return Box::pin(async { Err(BrokerError::unavailable("the connection is closed")) });
        }
        let place = shared.names.channel(&channel);
        let seat = Seat::new(shared.nodes.session, shared.next_consumer(), Arc::clone(&place), options);
        if !seat.ephemeral {
            shared.list(&place);
        }
        let (sender, deliveries) = unbounded_channel();
        let (opened, ack) = Ack::waiting();
        let control = Control { seat: Arc::clone(&seat), _broker: self.handle.clone() };
        // Made at once, so that it is stopped if nobody waits for it any more.
        let consumer = Consumer::new(deliveries, Arc::new(control));
        shared.nodes.runtime.spawn(Reader::new(shared.task(), seat, sender, opened).run());
        Box::pin(async move { ack.await.map(|()| consumer) })
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        let shared = self.shared();
        if !shared.nodes.is_open() {
            return Box::pin(async { Err(BrokerError::unavailable("the connection is closed")) });
        }
        let inbox = Guid::private();
        shared.sinks.lock().unwrap_or_else(PoisonError::into_inner).insert(inbox, Arc::clone(&sink));
        let (opened, ack) = Ack::waiting();
        let (close, closed) = watch::channel(());
        let place = Arc::new(shared.names.inbox(inbox));
        let reader = InboxReader { task: shared.task(), inbox, place, sink, opened: Some(opened), closed };
        shared.nodes.runtime.spawn(reader.run());
        // Made at once, so that it is closed if nobody waits for it any more.
        let guard = Guard { broker: Arc::clone(&self.handle), inbox, _close: close };
        let inbox = Inbox::new(inbox, Box::new(guard));
        Box::pin(async move { ack.await.map(|()| inbox) })
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        Box::pin(self.handle.operator.depth(channel))
    }

    fn admin(&self) -> Option<&dyn Admin> {
        Some(&self.handle.operator)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        begin_to_close(self.shared());
        Box::pin(close(Arc::clone(self.shared())))
    }
}

/// Closes an inbox when dropped.
struct Guard {
    broker: Arc<Handle>,
    inbox: Guid,
    _close: watch::Sender<()>,
}

impl InboxGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let shared = &self.broker.shared;
        let gone = shared.sinks.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.inbox);
        drop(gone);
        let mut delete = ::redis::cmd("DEL");
        let place = Arc::new(shared.names.inbox(self.inbox));
        delete.arg(&place.base);
        shared.tell(&place, delete);
    }
}

impl fmt::Debug for RedisBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shared().nodes.options.shown)
    }
}

impl fmt::Display for RedisBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
