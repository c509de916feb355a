//! The deliveries that an instance holds, and how it settles them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use skyloom_core::{
    Channel, Envelope,
    broker::{Ack, BrokerError, Delivery, Lease, Leases, Settlement},
};

use crate::cluster::{
    journal::{End, Mark},
    plan::Fate,
    seat::Seat,
    shared::Shared,
};

/// Why work comes back that a test has had delivered once more.
const AGAIN: &str = "the test had it delivered once more";

/// The deliveries that one consumer holds.
pub(super) struct Holding {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    channel: Channel,
    /// By the numbers of the leases that the worker sees.
    held: Mutex<(u64, HashMap<u64, (Delivery, Mark)>)>,
}

impl Holding {
    pub(super) fn new(shared: Arc<Shared>, seat: Arc<Seat>, channel: Channel) -> Arc<Self> {
        Arc::new(Self { shared, seat, channel, held: Mutex::default() })
    }

    /// Hands a delivery on under a lease of this side.
    pub(super) fn hand_on(self: &Arc<Self>, delivery: Delivery) -> Delivery {
        let mark = self.shared.journal.delivered(&self.channel, &delivery, self.seat.number);
        let (envelope, lease_time) = (Arc::clone(delivery.envelope()), delivery.lease_time());
        let (attempt, deadline) = (delivery.attempt(), delivery.deadline());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 += 1;
        let number = held.0;
        held.1.insert(number, (delivery, mark));
        drop(held);
        let leases = Arc::clone(self);
        Delivery::new(envelope, Lease { slot: 0, number }, lease_time, leases)
            .with_attempt(attempt)
            .with_deadline(deadline)
    }

    fn with(&self, lease: Lease, act: impl FnOnce(&Delivery, Mark) -> Ack) -> Ack {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.1.get(&lease.number) {
            Some((delivery, mark)) => act(delivery, *mark),
            None => stale(),
        }
    }

    fn take(&self, lease: Lease) -> Option<(Delivery, Mark)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&lease.number)
    }
}

fn stale() -> Ack {
    Ack::ready(Err(BrokerError::Stale))
}

fn end(settlement: &Settlement) -> End {
    match settlement {
        Settlement::Reply(reply) => End::Replied(Arc::clone(reply)),
        Settlement::Done => End::Done,
        Settlement::Retry { reason, .. } => End::Retried(reason.clone()),
        Settlement::Release => End::Released,
        Settlement::Bury { reason } => End::Buried(reason.clone()),
    }
}

impl Leases for Holding {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        let Some((delivery, mark)) = self.take(lease) else { return stale() };
        let journal = &self.shared.journal;
        let (message, attempt) = (delivery.envelope().id, delivery.attempt());
        match self.shared.plan.take_fate(self.seat.number, message, attempt) {
            Some(Fate::Redelivery) => {
                journal.ended(mark, End::Lost(AGAIN.to_owned()));
                let again = Settlement::Retry { delay: Duration::ZERO, reason: AGAIN.to_owned() };
                delivery.settle(again).into_ready().map_or_else(|ack| ack, |_| stale())
            }
            Some(Fate::LostWorker) => {
                self.seat.lose();
                drop(delivery);
                stale()
            }
            None if self.seat.is_lost() => stale(),
            None => {
                // First, so that a caller who has its reply finds it noted.
                journal.ended(mark, end(&settlement));
                delivery.settle(settlement)
            }
        }
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        self.with(lease, |delivery, mark| {
            if reply.kind == skyloom_core::Kind::Partial {
                self.shared.journal.streamed(mark);
            }
            delivery.partial(reply)
        })
    }

    fn extend(&self, lease: Lease) -> Ack {
        self.with(lease, |delivery, _| delivery.extend())
    }

    fn once(&self, lease: Lease) -> Ack {
        self.with(lease, |delivery, _| delivery.once())
    }
}
