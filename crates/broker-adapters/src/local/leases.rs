//! [`Batch`]: the leases of deliveries that came together.

use std::{sync::Arc, time::Duration};

use skyloom_broker::{
    engine::{Settle, Ticket},
    wire::{ClientFrame, WriteBody},
};
use skyloom_core::{
    Envelope, Moment,
    broker::{Ack, BrokerError, Lease, Leases, Settlement},
};
use tokio::time::Instant;

use super::{handle::Handle, state::Confirm};
use crate::embedded;

/// The leases of deliveries that came together and last equally long.
pub(super) struct Batch {
    handle: Arc<Handle>,
    /// In which life of the broker they were given.
    life: u64,
    /// Until then they have certainly not ended.
    fresh: Instant,
    /// The largest envelope that the broker takes.
    max_message: usize,
}

impl Batch {
    pub(super) fn new(handle: Arc<Handle>, received: Instant, lease_time: Duration) -> Self {
        let state = handle.0.lock();
        let (life, max_message) = (state.life, state.max_message);
        drop(state);
        // Half of it leaves room for a settle that waits in a buffer.
        Self { handle, life, fresh: received.checked_add(lease_time / 2).unwrap_or(received), max_message }
    }

    /// A lease that is fresh is settled without waiting for the broker: if the connection holds it
    /// succeeds, and if not the leases are gone with it and the work comes again. Either way the
    /// worker has done all it can. It waits if it sends faster than the broker reads.
    fn ask<B: WriteBody>(&self, confirm: Confirm, frame: impl FnOnce(Ticket) -> ClientFrame<B>) -> Ack {
        let shared = &self.handle.0;
        let fresh = confirm == Confirm::Unneeded && Moment::now() < self.fresh;
        let mut state = shared.lock();
        if state.life != self.life {
            return Ack::ready(Err(BrokerError::Stale));
        }
        let confirm = if fresh && !state.is_congested() { Confirm::Unneeded } else { Confirm::Awaited };
        let (ack, wake) = state.submit(confirm, frame);
        drop(state);
        shared.wake(wake);
        ack
    }

    /// Whether the broker takes an envelope of this size.
    fn too_large(&self, reply: &Envelope) -> Option<BrokerError> {
        let limit = self.max_message;
        let size = embedded::size(reply, limit);
        (size > limit).then_some(BrokerError::TooLarge { size, limit })
    }

    fn settle_with(&self, confirm: Confirm, lease: Lease, settle: Settle<&Envelope>) -> Ack {
        self.ask(confirm, |ticket| ClientFrame::Settle { ticket, lease, settle })
    }

    /// The caller of a request whose reply cannot be sent must hear of it.
    fn bury(&self, lease: Lease, error: BrokerError) -> Ack {
        let reason = format!("its reply cannot be sent: {error}");
        let buried = self.settle_with(Confirm::Awaited, lease, Settle::Bury { reason });
        Ack::running(async move { buried.await.and(Err(error)) })
    }
}

impl Leases for Batch {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        match settlement {
            Settlement::Reply(reply) => match self.too_large(&reply) {
                None => self.settle_with(Confirm::Unneeded, lease, Settle::Reply(&reply)),
                Some(error) => self.bury(lease, error),
            },
            Settlement::Done => self.settle_with(Confirm::Unneeded, lease, Settle::Done),
            Settlement::Retry { delay, reason } => {
                self.settle_with(Confirm::Awaited, lease, Settle::Retry { delay, reason })
            }
            Settlement::Release => self.settle_with(Confirm::Awaited, lease, Settle::Release),
            Settlement::Bury { reason } => self.settle_with(Confirm::Awaited, lease, Settle::Bury { reason }),
        }
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        if let Some(error) = self.too_large(&reply) {
            return Ack::ready(Err(error));
        }
        self.ask(Confirm::Unneeded, |ticket| ClientFrame::Partial { ticket, lease, body: &*reply })
    }

    fn extend(&self, lease: Lease) -> Ack {
        self.ask(Confirm::Awaited, |ticket| ClientFrame::<&Envelope>::Extend { ticket, lease })
    }

    fn once(&self, lease: Lease) -> Ack {
        self.ask(Confirm::Awaited, |ticket| ClientFrame::<&Envelope>::Once { ticket, lease })
    }
}
