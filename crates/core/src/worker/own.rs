//! The channel of the instance itself: what is asked of it, and calls of its services' methods that are meant for this
//! instance and no other.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::{Semaphore, oneshot};
use tower_service::Service;

use super::{
    control::control, execute::execute, in_flight::InFlight, lane::Lane, outcome::reply_to, settling::Settling,
    shared::Shared, start::start,
};
use crate::{
    Envelope, Headers, Kind, Ledger, Outcome, QueueName, Status,
    broker::{BoxFuture, ConsumeOptions, Consumer, Delivery, Settlement},
    service::{Answer, Incoming},
};

/// How many calls that are meant for it an instance holds at least, those included that wait for their turn. More are
/// refused, so that there is room for what is asked of the instance itself: a drain, or the end of a stream.
const HELD: u32 = 1_024;

/// So many questions to the instance itself may be on their way to it at once.
const QUESTIONS: u32 = 64;

/// How an instance's own channel is consumed.
pub(super) fn consume_options(shared: &Shared) -> ConsumeOptions {
    let options = shared.options.consume();
    ConsumeOptions { ephemeral: true, credit: held(shared).saturating_add(QUESTIONS), ..options }
}

fn held(shared: &Shared) -> u32 {
    shared.options.consume().credit.max(HELD)
}

/// A service whose methods are called on this very instance.
pub(super) trait Served: Send + Sync {
    fn execute(self: Arc<Self>, delivery: Delivery) -> BoxFuture<'static, ()>;
}

impl<T> Served for Lane<T>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    fn execute(self: Arc<Self>, delivery: Delivery) -> BoxFuture<'static, ()> {
        Box::pin(execute(self, delivery))
    }
}

/// The services of an instance by their queues.
pub(super) type Services = Vec<(QueueName, Arc<dyn Served>)>;

/// What takes from the instance's own channel.
pub(super) struct Own {
    shared: Arc<Shared>,
    services: Services,
    settling: Settling,
    room: Arc<Semaphore>,
    leaving: bool,
}

impl Own {
    pub(super) fn new(shared: Arc<Shared>, services: Services) -> Self {
        let settling = Settling::new(&crate::Channel::Instance(shared.instance).to_string());
        let room = Arc::new(Semaphore::new(held(&shared) as usize));
        Self { shared, services, settling, room, leaving: false }
    }

    /// Answers until the consumer ends, or until nobody holds the sender any more; whoever has called it by then is
    /// answered.
    pub(super) async fn run(mut self, mut consumer: Consumer, mut leave: oneshot::Receiver<()>) {
        loop {
            let next = tokio::select! {
                next = poll_fn(|cx| self.poll_next(&mut consumer, cx)) => next,
                _ = &mut leave, if !self.leaving => {
                    self.leaving = true;
                    if consumer.stop().await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            match next {
                Some(delivery) => self.take(delivery).await,
                None => return poll_fn(|cx| self.settling.poll(cx)).await,
            }
        }
    }

    fn poll_next(&mut self, consumer: &mut Consumer, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        // Whether any are left does not matter: there may be more.
        let _ = self.settling.poll(cx);
        consumer.poll_next(cx)
    }

    async fn take(&mut self, delivery: Delivery) {
        let request = delivery.envelope();
        let settlement = match request.service_method() {
            None => control(&self.shared, &delivery),
            Some((queue, method)) => match self.find(queue) {
                Ok((service, room)) => {
                    let envelope = Envelope { method: method.to_owned().into(), ..Envelope::clone(request) };
                    let execution = service.execute(delivery.with_envelope(Arc::new(envelope)));
                    let mut execution = Some(async move {
                        execution.await;
                        drop(room);
                    });
                    // It begins now, so that a drain that begins next finds it in flight.
                    return poll_fn(|cx| {
                        execution.take().into_iter().for_each(|execution| start(&self.shared, execution, cx));
                        Poll::Ready(())
                    })
                    .await;
                }
                Err(status) => self.refused(&delivery, status),
            },
        };
        if let Err(ack) = delivery.settle(settlement).into_ready() {
            self.settling.add(ack, InFlight::enter(Arc::clone(&self.shared.in_flight)));
        }
    }

    /// The service of this queue and room for one more call, or why there is none.
    fn find(&self, queue: &str) -> Result<(Arc<dyn Served>, tokio::sync::OwnedSemaphorePermit), Status> {
        let instance = self.shared.instance;
        if self.leaving || *self.shared.draining.borrow() {
            let message = format!("instance {instance} is about to end and takes nothing more");
            return Err(Status::not_found(message));
        }
        let Some((_, service)) = self.services.iter().find(|(name, _)| name.as_str() == queue) else {
            let served: Vec<&str> = self.services.iter().map(|(name, _)| name.as_str()).collect();
            let served = if served.is_empty() { "nothing".to_owned() } else { served.join(", ") };
            return Err(Status::not_found(format!("instance {instance} does not serve {queue:?}; it serves {served}")));
        };
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let held = held(&self.shared);
            Status::resource_exhausted(format!("instance {instance} has {held} calls of its own, as many as it takes"))
        })?;
        Ok((Arc::clone(service), room))
    }

    /// How a call is settled that this instance does not take.
    fn refused(&self, delivery: &Delivery, status: Status) -> Settlement {
        let request = delivery.envelope();
        if request.reply_to.is_none() {
            tracing::warn!(method = %request.method, %status, "work for this instance was refused");
            return Settlement::Done;
        }
        let mut reply = reply_to(request, Kind::Reply, self.shared.instance, delivery.attempt(), Headers::new());
        reply.ledger = request.ledger.merge(Ledger { receives: 1, settles: 1, ..Ledger::default() });
        reply.status = Some(status.with_outcome(Outcome::NotStarted));
        Settlement::Reply(Arc::new(reply))
    }
}
