//! What may be what its workers died of is executed alone. A handler that brings its process down takes with it whatever
//! else the process has been given, and that would fail as often as it does. So such a message waits until nothing else is
//! under way; what came with it goes back untouched; and the next one is taken alone, too, until one comes that is not
//! suspect.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;
use tower_service::Service;

use super::{
    execute::execute,
    hands::Hands,
    lane::Lane,
    settling::Settling,
    start::spawn,
    supervise::{End, Supervised},
};
use crate::{
    Channel,
    broker::{ConsumeOptions, Consumer, Delivery, Settlement},
    service::{Answer, Incoming},
};

/// How many workers are lost with a message before it is suspect. One is what happens when a worker is killed, and no reason
/// to hold up the rest.
const LOSSES: u32 = 2;

/// Whether a delivery may be what its workers died of.
pub(super) fn is_suspect(delivery: &Delivery) -> bool {
    delivery.losses() >= LOSSES
}

/// How long it waits at most for what is under way already: this may take as long as it likes.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long giving back may take, and that wait with it.
const CLEARING: Duration = Duration::from_secs(5);

/// How long others wait for it at most. A stream may never end, and what has lived for so long has not killed its worker.
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait before a channel is opened again that could not be.
const PAUSE: Duration = Duration::from_millis(500);

/// A lane's channel, and how it is consumed.
pub(super) struct Source {
    pub(super) channel: Channel,
    pub(super) options: ConsumeOptions,
}

impl<T> Lane<T>
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    /// Executes one suspect after the other as long as the next is another. Returns the consumer of what comes then, or
    /// none if the instance drains.
    pub(super) async fn alone(
        self: &Arc<Self>,
        source: &Source,
        consumer: Consumer,
        suspect: Delivery,
        hands: &mut Hands<T>,
    ) -> Option<Consumer> {
        if source.options.ephemeral {
            // It would go with its only consumer, and take along what it holds. Nobody else has it anyway.
            start(suspect, hands).await;
            return Some(consumer);
        }
        let (mut consumer, mut next) = (consumer, suspect);
        while is_suspect(&next) {
            let (id, attempt) = (next.envelope().id, next.attempt());
            tracing::warn!(channel = %self.channel, %id, attempt, "its workers were lost, so it is executed alone");
            self.clear(consumer, &next, &mut hands.settling).await;
            // What takes longer goes on beside the others, and is waited for by a drain like any other.
            let _ = timeout(LONGEST, spawn(&self.shared, execute(Arc::clone(self), next))).await;
            consumer = self.open(source, 1).await?;
            next = self.next(&mut consumer).await?;
        }
        start(next, hands).await;
        give_back(consumer).await;
        self.open(source, source.options.credit).await
    }

    /// Gives back what came with it, and waits until nothing else is under way, as far as that is soon.
    async fn clear(&self, consumer: Consumer, suspect: &Delivery, settling: &mut Settling) {
        let mut idle = pin!(timeout(CLEARING, async {
            give_back(consumer).await;
            // Who still works then shares its fate.
            let _ = timeout(PATIENCE, self.shared.in_flight.wait_idle()).await;
        }));
        let idle = pin!(poll_fn(|cx| {
            // Whether any are left is seen by what is in flight.
            let _ = settling.poll(cx);
            idle.as_mut().poll(cx)
        }));
        // Its lease goes on meanwhile. Whether its time is over by then is looked at before it is executed.
        let _: End<_> = Supervised::new(idle, suspect.holding(), suspect.deadline()).await;
    }

    /// The channel's next delivery, or none if the instance drains or the broker is closed.
    async fn next(&self, consumer: &mut Consumer) -> Option<Delivery> {
        let mut draining = pin!(self.drains());
        poll_fn(|cx| match draining.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => consumer.poll_next(cx),
        })
        .await
    }

    /// Consumes the channel with this credit, as soon as the broker lets it; none if the instance drains before.
    async fn open(&self, source: &Source, credit: u32) -> Option<Consumer> {
        let mut draining = pin!(self.drains());
        loop {
            let options = ConsumeOptions { credit, ..source.options };
            let opened = self.shared.client.broker().consume(source.channel.clone(), options);
            let error = match first(draining.as_mut(), opened).await? {
                Ok(consumer) => return Some(consumer),
                Err(error) => error,
            };
            tracing::warn!(channel = %self.channel, %error, "could not be consumed again; trying on");
            first(draining.as_mut(), tokio::time::sleep(PAUSE)).await?;
        }
    }

    /// Resolves when the instance drains.
    async fn drains(&self) {
        let mut draining = self.shared.draining.subscribe();
        // It is not dropped as long as the lane is there.
        let _ = draining.wait_for(|draining| *draining).await;
    }
}

/// Starts to execute one like any other.
async fn start<T>(delivery: Delivery, hands: &mut Hands<T>)
where
    T: Service<Incoming, Response = Answer> + Clone + Send + Sync + 'static,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::Future: Send,
{
    let mut delivery = Some(delivery);
    let turn = hands.turn();
    poll_fn(|cx| Poll::Ready(delivery.take().map(|delivery| hands.take(delivery, None, cx)))).await;
    hands.rest();
    drop(turn);
}

/// What the second gives, or none if the first ends before.
async fn first<O>(mut end: Pin<&mut impl Future<Output = ()>>, work: impl Future<Output = O>) -> Option<O> {
    let mut work = pin!(work);
    poll_fn(|cx| match end.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(cx).map(Some),
    })
    .await
}

/// Stops a consumer, and gives back what is in it; the broker has it when this returns.
async fn give_back(mut consumer: Consumer) {
    // Without the broker there is nothing to give back to, and its leases are over.
    if consumer.stop().await.is_err() {
        return;
    }
    let mut given_back = Vec::new();
    while let Some(delivery) = consumer.next().await {
        given_back.push(delivery.settle(Settlement::Release));
    }
    for released in given_back {
        // What cannot be given back comes back by itself.
        let _ = released.await;
    }
}
