//! A stream of deliveries.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{Ack, Delivery, Settlement};

/// How to consume a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumeOptions {
    /// How many deliveries the consumer takes before it settles one. At least 1.
    pub credit: u32,
    /// How long a lease lasts unless it is extended.
    pub lease: Duration,
    /// After how many attempts a message becomes a dead letter.
    pub max_attempts: u32,
    /// The channel vanishes, with what it holds, when its last consumer is gone. Instance channels
    /// always do.
    pub ephemeral: bool,
}

impl Default for ConsumeOptions {
    fn default() -> Self {
        Self { credit: 64, lease: Duration::from_secs(30), max_attempts: 5, ephemeral: false }
    }
}

/// The broker's side of a consumer.
pub trait ConsumerControl: Send + Sync {
    /// No more deliveries; those that are out stay leased until they are settled.
    fn stop(&self) -> Ack;
}

/// Where a consumer's deliveries come from.
pub trait DeliveryStream: Send {
    /// The next delivery, or `None` once the consumer is stopped or the broker closed.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>>;

    /// Takes no more in and gives what is left, one by one.
    fn take_left(&mut self) -> Option<Delivery>;
}

/// A channel, unbounded in type and bounded by the consumer's credit, which the broker keeps.
impl DeliveryStream for mpsc::UnboundedReceiver<Delivery> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll_recv(cx)
    }

    fn take_left(&mut self) -> Option<Delivery> {
        self.close();
        self.try_recv().ok()
    }
}

/// A stream of deliveries from one channel. Dropping it stops it and gives back what is in it.
pub struct Consumer {
    deliveries: Box<dyn DeliveryStream>,
    control: Arc<dyn ConsumerControl>,
}

impl Consumer {
    /// A consumer that reads what the adapter sends.
    #[must_use]
    pub fn new(deliveries: impl DeliveryStream + 'static, control: Arc<dyn ConsumerControl>) -> Self {
        Self { deliveries: Box::new(deliveries), control }
    }

    /// The next delivery, or `None` once the consumer is stopped or the broker closed.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Consumer::next`], for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.deliveries.poll_next(cx)
    }

    /// Asks the broker for no more. When the [`Ack`] resolves, every delivery made before is in
    /// the stream, and after them it ends.
    pub fn stop(&self) -> Ack {
        self.control.stop()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        drop(self.control.stop());
        // The worker has not seen what is still in the stream: giving it back is no attempt.
        while let Some(delivery) = self.deliveries.take_left() {
            drop(delivery.settle(Settlement::Release));
        }
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}
