//! [`Node`]: one server, and what waits to be done there.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use skyloom_core::{Guid, broker::BrokerError};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{batch::Batch, op::Op, options::Address};

/// How many operations may wait for a server.
const MOST_OPERATIONS: usize = 100_000;

/// How many bytes they may have.
const MOST_BYTES: usize = 256 << 20;

/// So many operations are sent at once; a script runs alone, so that more would hold up other clients.
const BATCH_OPERATIONS: usize = 512;

/// So many bytes are sent at once, or one operation.
const BATCH_BYTES: usize = 4 << 20;

/// One server, and what waits to be done there.
pub(super) struct Node {
    pub(super) address: Address,
    waiting: Mutex<Waiting>,
    pub(super) wake: Notify,
    /// Whether this process is subscribed there, which says that it lives.
    pub(super) presence: watch::Sender<Presence>,
    ended: watch::Sender<bool>,
    suspect: AtomicBool,
}

/// Whether a process is subscribed at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It does not consume there.
    Unneeded,
    /// It is about to be, or cannot be, for this reason.
    Missing(String),
    /// It is.
    There,
}

#[derive(Default)]
struct Waiting {
    ops: VecDeque<Op>,
    bytes: usize,
    /// Why there is no connection.
    away: Option<String>,
    ended: bool,
}

impl Waiting {
    /// All of it, if that can be one command.
    fn whole(&mut self, now: Instant) -> Option<Batch> {
        let is_much = self.ops.len() > BATCH_OPERATIONS || self.bytes > BATCH_BYTES;
        if is_much || self.ops.iter().any(|op| op.is_over(now)) {
            return None;
        }
        let batch = Batch::whole(&mut self.ops)?;
        self.bytes = 0;
        Some(batch)
    }
}

impl Node {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            waiting: Mutex::default(),
            wake: Notify::new(),
            presence: watch::Sender::new(Presence::Unneeded),
            ended: watch::Sender::new(false),
            suspect: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something done, in order.
    pub(super) fn submit(&self, op: Op) {
        let mut waiting = self.lock();
        let refusal = if waiting.ended {
            Some(BrokerError::unavailable("the connection is closed"))
        } else if waiting.ops.len() >= MOST_OPERATIONS || waiting.bytes + op.size() > MOST_BYTES {
            let limit = format!("{MOST_OPERATIONS} operations or {MOST_BYTES} bytes");
            Some(BrokerError::Full { what: format!("what may wait for Redis at {}", self.address), limit })
        } else {
            None
        };
        match refusal {
            Some(error) => {
                drop(waiting);
                op.fail(error);
            }
            None => {
                waiting.bytes += op.size();
                waiting.ops.push_back(op);
                drop(waiting);
                self.wake.notify_one();
            }
        }
    }

    /// Another connection to this server has broken: the driver's is to be tried before it is used.
    pub(super) fn suspect(&self) {
        self.suspect.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Whether the driver's connection is to be tried.
    pub(super) fn take_suspicion(&self) -> bool {
        self.suspect.swap(false, Ordering::Relaxed)
    }

    /// Puts operations before the others; those that are over are told so.
    pub(super) fn put_back(&self, ops: Vec<Op>) {
        let mut waiting = self.lock();
        for op in ops.into_iter().rev() {
            waiting.bytes += op.size();
            waiting.ops.push_front(op);
        }
    }

    /// What is to be sent now, empty if there is nothing.
    pub(super) fn batch(&self) -> Batch {
        let now = Instant::now();
        let mut waiting = self.lock();
        if let Some(batch) = waiting.whole(now) {
            return batch;
        }
        let (mut batch, mut bytes, mut over) = (Batch::default(), 0, Vec::new());
        for _ in 0..BATCH_OPERATIONS {
            if bytes >= BATCH_BYTES {
                break;
            }
            let Some(op) = waiting.ops.pop_front() else { break };
            waiting.bytes -= op.size();
            if op.is_over(now) {
                op.lapse().into_iter().for_each(|lapse| batch.add(lapse));
                over.push(op);
            } else {
                bytes += op.size();
                batch.add(op);
            }
        }
        if waiting.ops.is_empty() {
            waiting.bytes = 0;
        }
        drop(waiting);
        tell(over, None);
        batch
    }

    /// Whether nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().ops.is_empty()
    }

    /// Tells those whose patience has ended that there is no connection.
    pub(super) fn drop_over(&self) {
        let now = Instant::now();
        let mut waiting = self.lock();
        if !waiting.ops.iter().any(|op| op.need_not_wait(now)) {
            return;
        }
        let (over, left): (VecDeque<_>, VecDeque<_>) = waiting.ops.drain(..).partition(|op| op.need_not_wait(now));
        waiting.ops = left;
        waiting.ops.extend(over.iter().filter_map(Op::lapse));
        waiting.bytes = waiting.ops.iter().map(Op::size).sum();
        let why = waiting.away.clone();
        drop(waiting);
        tell(over, why);
    }

    /// Takes everything that waits.
    pub(super) fn take_all(&self) -> Vec<Op> {
        let mut waiting = self.lock();
        waiting.bytes = 0;
        waiting.ops.drain(..).collect()
    }

    /// Says why there is no connection, or that there is one.
    pub(super) fn set_away(&self, why: Option<String>) {
        self.lock().away = why;
    }

    /// Why there is no connection.
    pub(super) fn away(&self) -> Option<String> {
        self.lock().away.clone()
    }

    /// The calls that were not sent yet.
    pub(super) fn unsent(&self) -> HashSet<Guid> {
        self.lock().ops.iter().filter_map(Op::call).collect()
    }

    /// Nothing more is done here.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        let error = BrokerError::unavailable("the connection is closed");
        self.take_all().into_iter().for_each(|op| op.fail(error.clone()));
        self.ended.send_replace(true);
    }

    /// Waits until nothing more is done here.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this.
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }
}

fn tell(over: impl IntoIterator<Item = Op>, why: Option<String>) {
    let error = match why {
        Some(why) => BrokerError::unavailable(why),
        None => BrokerError::unavailable("its time ran out before it could be sent"),
    };
    over.into_iter().for_each(|op| op.fail(error.clone()));
}
