//! A consumer whose deliveries are noted.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use skyloom_core::{
    Kind,
    broker::{Ack, Consumer, ConsumerControl, Delivery, DeliveryStream},
};

use super::leases::Holding;

/// The broker's own consumer, which both the stream and its control need.
#[derive(Clone)]
struct Inner(Arc<Mutex<Consumer>>);

struct Noted {
    inner: Inner,
    holding: Arc<Holding>,
}

/// The same consumer, whose deliveries are noted.
pub(super) fn noted(consumer: Consumer, holding: Arc<Holding>) -> Consumer {
    let inner = Inner(Arc::new(Mutex::new(consumer)));
    Consumer::new(Noted { inner: inner.clone(), holding }, Arc::new(inner))
}

impl Inner {
    fn consumer(&self) -> MutexGuard<'_, Consumer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConsumerControl for Inner {
    fn stop(&self) -> Ack {
        self.consumer().stop()
    }
}

impl DeliveryStream for Noted {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let delivery = ready!(self.inner.consumer().poll_next(cx));
        Poll::Ready(delivery.map(|delivery| match delivery.envelope().kind {
            // It has the GUID of the call that it ends, and is no attempt at it.
            Kind::Cancel => delivery,
            _ => self.holding.hand_on(delivery),
        }))
    }

    fn take_left(&mut self) -> Option<Delivery> {
        // The broker's own consumer is dropped with this one, and gives back what is left in it.
        None
    }
}
