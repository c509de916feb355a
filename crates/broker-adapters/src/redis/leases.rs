//! [`Table`]: the leases that this process has, and how they end.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use skyloom_core::{
    Envelope,
    broker::{Ack, BrokerError, Lease, Leases, Settlement},
};
use tokio::time::Instant;

use super::{
    names::Names,
    nodes::Nodes,
    op::Then,
    seat::Seat,
    settle::{Ending, Held, Out},
};
use crate::remote::{Caller, Notice};

/// The leases that this process has, by number.
pub(super) struct Table {
    out: Out,
    held: Mutex<HashMap<u64, Held, foldhash::fast::RandomState>>,
    next: AtomicU64,
}

impl Table {
    pub(super) fn new(nodes: Arc<Nodes>, names: Arc<Names>) -> Arc<Self> {
        Arc::new(Self { out: Out { nodes, names }, held: Mutex::default(), next: AtomicU64::new(1) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Held, foldhash::fast::RandomState>> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what was read and is not to be delivered.
    pub(super) fn pass_over(&self, held: Held, ending: Ending) {
        self.out.end(held, ending, Then::Nobody);
    }

    /// Buries what was read and says nothing, and tells these callers.
    pub(super) fn bury_unread(&self, held: &Held, callers: &[Caller], reason: String) {
        self.out.bury_unread(held, callers, reason);
    }

    /// Keeps a lease until it is settled or ends.
    pub(super) fn insert(&self, held: Held) -> Lease {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        held.seat.delivered();
        self.lock().insert(number, held);
        Lease { slot: 0, number }
    }

    /// Gives back what a consumer has held for too long. Returns when to look again.
    pub(super) fn end_overdue(&self, seat: &Arc<Seat>) -> Instant {
        let now = Instant::now();
        let mut table = self.lock();
        let own = |held: &Held| Arc::ptr_eq(&held.seat, seat);
        let overdue: Vec<Held> =
            table.extract_if(|_, held| own(held) && held.ends <= now).map(|(_, held)| held).collect();
        let next = table.values().filter(|held| own(held)).map(|held| held.ends).min();
        drop(table);
        for held in overdue {
            held.seat.settled();
            self.out.lapse(&held);
        }
        next.unwrap_or(now + seat.options.lease)
    }

    fn stale(&self) -> Ack {
        let open = self.out.nodes.is_open();
        let closed = || BrokerError::unavailable("the connection is closed");
        Ack::ready(Err(if open { BrokerError::Stale } else { closed() }))
    }

    /// What to do with a lease that goes on, if it has not ended.
    fn with<T>(&self, lease: Lease, act: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let mut table = self.lock();
        let held = table.get_mut(&lease.number)?;
        (held.ends > Instant::now()).then(|| act(held))
    }
}

impl Leases for Table {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        let Some(held) = self.lock().remove(&lease.number) else { return self.stale() };
        held.seat.settled();
        if held.ends <= Instant::now() {
            self.out.lapse(&held);
            return self.stale();
        }
        let limit = self.out.nodes.options.limits.message_bytes;
        match Ending::of(settlement, &held) {
            Ending::Reply(body) if body.len() > limit => {
                let size = body.len();
                let error = BrokerError::TooLarge { size, limit };
                let notice = Notice::write(held.call, &error).encode();
                self.out.end(held, Ending::Reply(notice), Then::Nobody);
                Ack::ready(Err(error))
            }
            ending => {
                let (sender, ack) = Ack::waiting();
                self.out.end(held, ending, Then::Ack(sender));
                ack
            }
        }
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        let (body, limit) = (reply.encode(), self.out.nodes.options.limits.message_bytes);
        if body.len() > limit {
            return Ack::ready(Err(BrokerError::TooLarge { size: body.len(), limit }));
        }
        let sent = self.with(lease, |held| {
            let (sender, ack) = Ack::waiting();
            held.streams = true;
            self.out.partial(held, body, Then::Ack(sender));
            ack
        });
        sent.unwrap_or_else(|| self.stale())
    }

    fn extend(&self, lease: Lease) -> Ack {
        let sent = self.with(lease, |held| {
            let (sender, ack) = Ack::waiting();
            held.ends = Instant::now() + held.seat.options.lease;
            self.out.about(held, b"extend", Then::Ack(sender));
            match held.reply_to.filter(|_| held.streams) {
                Some(inbox) => self.out.if_read(held, inbox, ack),
                None => ack,
            }
        });
        sent.unwrap_or_else(|| self.stale())
    }

    fn once(&self, lease: Lease) -> Ack {
        let sent = self.with(lease, |held| {
            let (sender, ack) = Ack::waiting();
            self.out.about(held, b"once", Then::Ack(sender));
            // However that ends: unless it certainly failed, the message may be marked.
            held.is_once = true;
            ack
        });
        sent.unwrap_or_else(|| self.stale())
    }
}
