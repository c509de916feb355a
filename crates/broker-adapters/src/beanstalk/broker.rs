//! [`BeanstalkBroker`]: the handle.

use std::{fmt, sync::Arc, time::Duration};

use skyloom_core::{
    Channel, Envelope, Guid, TopicName,
    broker::{
        Ack, Admin, BoxFuture, Broker, BrokerError, Capabilities, ConsumeOptions, Consumer, Depth, EnqueueOptions,
        Inbox, ReplySink,
    },
};
use tokio::{sync::mpsc, time::timeout};

use super::{
    admin::View,
    codec::{Command, Reply, Stats, whole_seconds},
    events::{self, Event},
    guarantees::capabilities,
    inbox, janitor,
    job::{self, Notes},
    lane,
    op::{Body, Done, Put},
    options::Options,
    pipe::Pipe,
    sender,
    shared::{Shared, closed, lock},
};
use crate::remote::{BrokerUrl, OpenError};

/// How many events wait for their groups to be looked up, at most.
const EVENTS: usize = 16_384;

/// How long closing waits for the server.
const CLOSING: Duration = Duration::from_secs(3);

/// A connection to beanstalkd. A clone is another handle to the same; the last one closes it.
#[derive(Clone)]
pub struct BeanstalkBroker(Arc<Life>);

struct Life {
    shared: Arc<Shared>,
    view: View,
    events: mpsc::Sender<Event>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.shared.refuse_more();
        self.shared.end_tasks();
        self.shared.end_sender();
    }
}

impl fmt::Debug for BeanstalkBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BeanstalkBroker({})", self.0.shared.options.place)
    }
}

impl BeanstalkBroker {
    /// Connects, waiting up to `patience` for a server to be there. Must be called within a tokio runtime, on
    /// which the connections are served from then on.
    ///
    /// # Errors
    /// [`OpenError`] if the URL makes no sense, nobody answers, or somebody who is no beanstalkd does.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        let options = Options::of(url)?;
        let pipe = Pipe::open_within(&options.place, patience).await?;
        let largest = pipe.facts.max_job;
        if largest < options.limits.message_bytes + job::OVERHEAD {
            let wanted = options.limits.message_bytes + job::OVERHEAD;
            tracing::info!(
                "beanstalkd takes jobs of at most {largest} bytes; for larger messages start it with -z {wanted}"
            );
        }
        let (ops, incoming) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(options, pipe.facts.clone(), ops));
        let (events, published) = mpsc::channel(EVENTS);
        shared.spawn_sender(sender::run(Arc::clone(&shared), pipe, incoming));
        shared.spawn(events::run(Arc::clone(&shared), published));
        shared.spawn(janitor::run(Arc::clone(&shared)));
        let view = View(Arc::clone(&shared));
        Ok(Self(Arc::new(Life { shared, view, events })))
    }

    fn check(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        let (size, limit) = (envelope.encoded_len(), self.0.shared.options.limits.message_bytes);
        if size > limit {
            return Err(BrokerError::TooLarge { size, limit });
        }
        let largest = self.0.shared.largest_job();
        match size + job::OVERHEAD > largest {
            true => Err(sender::too_big(size + job::OVERHEAD, Some(largest))),
            false => Ok(()),
        }
    }

    async fn shut(&self) {
        let shared = &self.0.shared;
        if !shared.refuse_more() {
            return;
        }
        shared.end_tasks();
        let ended = async {
            for task in shared.take_tasks() {
                drop(task.await);
            }
        };
        // What was sent before goes out, and is confirmed.
        let written = timeout(CLOSING, async { tokio::join!(ended, shared.flush()) }).await;
        if written.is_err() {
            tracing::warn!("beanstalkd did not confirm everything before the connection to it was closed");
        }
        shared.end_sender();
        shared.lost(&BrokerError::lost(closed().to_string()), &std::collections::HashSet::new());
    }
}

/// An instance's tube is put to only if somebody watches it.
async fn put_to_instance(shared: &Shared, instance: Guid, put: Put) {
    let asked = shared.answer(None, Command::StatsTube(&put.tube));
    let answer = match put.left() {
        Some(left) => timeout(left, asked).await.unwrap_or_else(|_| Err(unsaid(shared))),
        None => asked.await,
    };
    let error = match answer {
        Ok(Reply::Ok(body)) if Stats::of(&body).number("current-watching") != Some(0) => return drop(shared.put(put)),
        Ok(Reply::Ok(_) | Reply::NotFound) => BrokerError::Gone { instance },
        Ok(other) => BrokerError::unavailable(format!("beanstalkd answered {other:?} to whether the instance runs")),
        Err(error @ BrokerError::Unavailable { .. }) => error,
        Err(error) => BrokerError::unavailable(error.to_string()),
    };
    sender::tell(shared, put.done, Err(error));
}

fn unsaid(shared: &Shared) -> BrokerError {
    let place = &shared.options.place;
    BrokerError::unavailable(format!("beanstalkd at {place} did not say in time whether the instance runs"))
}

impl Broker for BeanstalkBroker {
    fn capabilities(&self) -> Capabilities {
        let facts = self.0.shared.facts();
        capabilities(&self.0.shared.options, &facts)
    }

    fn enqueue(&self, channel: &Channel, envelope: Arc<Envelope>, options: EnqueueOptions) -> Ack {
        let shared = &self.0.shared;
        if let Err(error) = self.check(&envelope) {
            return Ack::ready(Err(error));
        }
        let own_inbox = envelope.reply_to.filter(|inbox| shared.has_inbox(*inbox));
        let (done, ack) = match own_inbox {
            Some(inbox) => (Done::Inbox { inbox, call: envelope.id }, Ack::ready(Ok(()))),
            None => {
                let (sender, ack) = Ack::waiting();
                (Done::Ack(sender), ack)
            }
        };
        if own_inbox.is_some() {
            lock(&shared.load).sent(envelope.id);
        }
        let notes = Notes::now(&envelope);
        let put = Put {
            tube: shared.options.names.work(channel),
            priority: options.priority,
            delay: whole_seconds(options.delay),
            body: Body::Envelope(envelope, notes),
            done,
            bounded: !matches!(channel, Channel::Instance(_)),
        };
        if let Channel::Instance(instance) = *channel {
            if shared.is_closed() {
                return Ack::ready(Err(closed()));
            }
            let shared = Arc::clone(shared);
            self.0.shared.spawn(async move { put_to_instance(&shared, instance, put).await });
            return ack;
        }
        match shared.put(put) {
            Ok(()) => ack,
            Err(error) => Ack::ready(Err(error)),
        }
    }

    fn publish(&self, topic: &TopicName, envelope: Arc<Envelope>) -> Ack {
        if let Err(error) = self.check(&envelope) {
            return Ack::ready(Err(error));
        }
        if self.0.shared.is_closed() {
            return Ack::ready(Err(closed()));
        }
        let (done, ack) = Ack::waiting();
        let notes = Notes::now(&envelope);
        let event = Event { topic: topic.clone(), envelope, notes, done };
        match self.0.events.try_send(event) {
            Ok(()) => ack,
            Err(mpsc::error::TrySendError::Closed(_)) => Ack::ready(Err(closed())),
            Err(mpsc::error::TrySendError::Full(_)) => {
                let what = "what waits to be published".to_owned();
                Ack::ready(Err(BrokerError::Full { what, limit: format!("{EVENTS} events") }))
            }
        }
    }

    fn consume(&self, channel: Channel, options: ConsumeOptions) -> BoxFuture<'_, Result<Consumer, BrokerError>> {
        Box::pin(async move {
            if self.0.shared.is_closed() {
                return Err(closed());
            }
            let (consumer, started) = lane::start(&self.0.shared, channel, options);
            started.await.map(|()| consumer)
        })
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        Box::pin(inbox::open(&self.0.shared, sink))
    }

    fn depth<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, Result<Depth, BrokerError>> {
        Box::pin(self.0.view.depth(channel))
    }

    fn admin(&self) -> Option<&dyn Admin> {
        Some(&self.0.view)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shut())
    }
}
