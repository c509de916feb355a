//! [`Tap`] itself.

use std::{fmt, sync::Arc};

use skyloom_core::{
    Channel, Envelope, Kind, QueueName, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, ReplySink,
    },
};

use super::{consume::noted, leases::Holding};
use crate::cluster::{seat::Seat, shared::Shared};

/// One instance's connection to the memory broker: what goes through it is noted, and disturbed if the test
/// wants that. It knows nothing that the port does not say.
pub(crate) struct Tap {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
}

impl Tap {
    pub(crate) fn new(shared: Arc<Shared>, seat: Arc<Seat>) -> Self {
        Self { shared, seat }
    }

    /// Why a test has this queue or topic refuse what is sent to it.
    fn full(&self, what: &str, name: &str) -> Option<BrokerError> {
        let limit = || "the test has filled it".to_owned();
        self.shared.plan.is_full(name).then(|| BrokerError::Full { what: format!("{what} {name}"), limit: limit() })
    }

    /// Why a queue does not take a request. A call would wait in vain for somebody to serve it until its time is over;
    /// a cast is work for later, and the test may only want to see it.
    fn refused(&self, queue: &QueueName, kind: Kind) -> Option<BrokerError> {
        let missing = || self.shared.served.missing(queue).filter(|_| kind == Kind::Call).map(BrokerError::refused);
        self.full("queue", queue.as_str()).or_else(missing)
    }

    /// Notes that the broker has not taken a message, if that is known by now.
    fn noted(&self, envelope: &Envelope, ack: Ack) -> Ack {
        match ack.into_ready() {
            Ok(result) => {
                if let Err(error) = &result {
                    self.shared.journal.refused(envelope.id, error.to_string());
                }
                Ack::ready(result)
            }
            Err(ack) => ack,
        }
    }
}

/// The queue of the service that a request is for, and the request as its worker sees it; none if it is not for a
/// service.
fn request_to_service(channel: &Channel, envelope: &Arc<Envelope>) -> Option<(QueueName, Arc<Envelope>)> {
    if !matches!(envelope.kind, Kind::Call | Kind::Cast) {
        return None;
    }
    if let Some(queue) = channel.queue() {
        return Some((queue.clone(), Arc::clone(envelope)));
    }
    let (queue, method) = envelope.service_method()?;
    let request = Envelope { method: method.to_owned().into(), ..Envelope::clone(envelope) };
    Some((QueueName::new(queue).ok()?, Arc::new(request)))
}

impl Broker for Tap {
    fn capabilities(&self) -> Capabilities {
        self.seat.broker.capabilities()
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        let broker = &self.seat.broker;
        let Some((queue, request)) = request_to_service(channel, &envelope) else {
            return broker.enqueue(channel, envelope, options);
        };
        // First, so that a worker who has it finds it noted.
        self.shared.journal.sent(Some(&queue), &request, self.seat.number);
        let refused = channel.queue().and_then(|queue| self.refused(queue, envelope.kind));
        let ack = match refused {
            Some(error) => Ack::ready(Err(error)),
            None => broker.enqueue(channel, Arc::clone(&envelope), options),
        };
        self.noted(&envelope, ack)
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        self.shared.journal.sent(None, &envelope, self.seat.number);
        let ack = match self.full("topic", topic.as_str()) {
            Some(error) => Ack::ready(Err(error)),
            None => self.seat.broker.publish(topic, Arc::clone(&envelope)),
        };
        self.noted(&envelope, ack)
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        if let Some(queue) = channel.queue() {
            self.shared.served.add(queue.as_str());
        }
        Box::pin(async move {
            let consumer = self.seat.broker.consume(channel.clone(), options).await?;
            let holding = Holding::new(Arc::clone(&self.shared), Arc::clone(&self.seat), channel);
            Ok(noted(consumer, holding))
        })
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        self.seat.broker.open_inbox(sink)
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        self.seat.broker.depth(channel)
    }

    fn admin(&self) -> Option<&dyn Admin> {
        self.seat.broker.admin()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.seat.broker.close()
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory: of a test")
    }
}
