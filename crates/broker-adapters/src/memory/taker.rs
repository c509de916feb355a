//! [`Taker`]: a consumer's own side of its stream.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, ready},
};

use skyloom_broker::engine::ConsumerId;
use skyloom_core::broker::{Delivery, DeliveryStream};
use tokio::task::coop::poll_proceed;

use super::{link::Link, stream::Given};

/// Takes all that has been given at once, so that a burst costs one look.
pub(super) struct Taker {
    link: Arc<Link>,
    consumer: ConsumerId,
    taken: VecDeque<Given>,
}

impl Taker {
    pub(super) fn new(link: Arc<Link>, consumer: ConsumerId) -> Self {
        Self { link, consumer, taken: VecDeque::new() }
    }

    fn delivery(&self, given: Given) -> Delivery {
        let Given { body, lease, lease_time, attempt, deadline } = given;
        let leases = Arc::clone(&self.link);
        Delivery::new(body, lease, lease_time, leases).with_attempt(attempt).with_deadline(deadline)
    }
}

impl DeliveryStream for Taker {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        // A long queue must not keep the task from letting others have their turn.
        let progress = ready!(poll_proceed(cx));
        if self.taken.is_empty() && self.link.hub.take(self.consumer, &mut self.taken, Some(cx.waker())).is_pending() {
            return Poll::Pending;
        }
        progress.made_progress();
        Poll::Ready(self.taken.pop_front().map(|given| self.delivery(given)))
    }

    fn take_left(&mut self) -> Option<Delivery> {
        if self.taken.is_empty() {
            // Nothing is given to a consumer that is stopped, so that there is nothing to wait for.
            let _ = self.link.hub.take(self.consumer, &mut self.taken, None);
        }
        self.taken.pop_front().map(|given| self.delivery(given))
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.link.hub.forget_stream(self.consumer);
    }
}
