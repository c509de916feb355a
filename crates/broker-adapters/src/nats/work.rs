//! [`Worker`]: one consumer of a channel and the leases that it holds.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_nats::Subject;
use bytes::Bytes;
use skyloom_core::{
    Channel, Envelope, Guid,
    broker::{AckSender, ConsumeOptions, Delivery},
};
use tokio::{
    sync::{Notify, mpsc::UnboundedSender},
    time::Instant,
};

use super::{handle::Handle, link::Leaving, names::Target, time::ServerClock};
use crate::remote::Absence;

/// A consumer of one channel. Its tasks run until it is stopped and holds no lease any more.
pub(super) struct Worker {
    /// Itself, for the tasks that it starts.
    me: Weak<Worker>,
    pub(super) handle: Arc<Handle>,
    pub(super) channel: Channel,
    pub(super) target: Target,
    pub(super) options: ConsumeOptions,
    /// Names it among the workers of its channel.
    pub(super) id: Guid,
    /// The channel is reached through core NATS.
    pub(super) is_core: bool,
    state: Mutex<State>,
    /// It is to stop.
    pub(super) stopping: Notify,
    /// There are leases to look after.
    pub(super) leasing: Notify,
}

pub(super) struct State {
    /// None once it is stopped.
    pub(super) deliveries: Option<UnboundedSender<Delivery>>,
    /// Who waits until it is stopped.
    pub(super) stop: Option<AckSender>,
    pub(super) is_stopping: bool,
    /// The connection stays open until it is stopped.
    pub(super) leaving: Option<Leaving>,
    pub(super) held: HashMap<u64, Held, foldhash::fast::RandomState>,
    pub(super) leases: u64,
    /// How many messages the server may still send for what it was asked.
    pub(super) outstanding: u32,
    /// Where the server is to send them; none while there is no session.
    pub(super) room: Option<Subject>,
    /// For how long after our last word the server certainly leaves work with us.
    pub(super) safe: Duration,
    pub(super) clock: Option<ServerClock>,
    /// When the server was heard last.
    pub(super) heard: Instant,
    /// In core NATS: what came, and finds no credit yet.
    pub(super) backlog: VecDeque<Waiting>,
}

/// Work of core NATS that was not taken yet.
pub(super) struct Waiting {
    pub(super) body: Bytes,
    /// Where to say that it was taken, or not.
    pub(super) confirm: Option<Subject>,
    pub(super) came: Instant,
}

/// Work that is with us under a lease.
pub(super) struct Held {
    pub(super) envelope: Arc<Envelope>,
    pub(super) attempt: u32,
    /// How many attempts in a row before this one were lost with their workers.
    pub(super) losses: u32,
    /// Since when its budget runs.
    pub(super) born: Instant,
    /// Where to acknowledge it; none in core NATS, or once it is acknowledged.
    pub(super) ack: Option<Subject>,
    pub(super) ends: Instant,
    /// When the server last heard that we have it.
    pub(super) renewed: Instant,
    /// When the last part of a stream was sent, which nobody confirms.
    pub(super) streamed: Option<Instant>,
    /// Whether that stream is read.
    pub(super) absence: Absence,
}

impl Held {
    /// Whether it is still ours.
    pub(super) fn is_ours(&self, safe: Duration, now: Instant) -> bool {
        now < self.ends && (self.ack.is_none() || now.saturating_duration_since(self.renewed) < safe)
    }
}

/// What can be relied on of an AckWait, which the server counts from when it sent the work.
pub(super) fn safe(ack_wait: Duration) -> Duration {
    ack_wait * 8 / 9
}

impl Worker {
    pub(super) fn new(
        handle: Arc<Handle>,
        channel: Channel,
        options: ConsumeOptions,
        deliveries: UnboundedSender<Delivery>,
    ) -> Arc<Self> {
        let target = Target::of(&channel);
        let is_core = handle.0.is_core(&target);
        let state = State {
            deliveries: Some(deliveries),
            stop: None,
            is_stopping: false,
            leaving: None,
            held: HashMap::default(),
            leases: 0,
            outstanding: 0,
            room: None,
            safe: safe(handle.0.options.ack_wait_for(options.lease)),
            clock: None,
            heard: Instant::now(),
            backlog: VecDeque::new(),
        };
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            handle,
            channel,
            target,
            options,
            id: Guid::private(),
            is_core,
            state: Mutex::new(state),
            stopping: Notify::new(),
            leasing: Notify::new(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Itself, to be held by a task; none while it is being dropped.
    pub(super) fn shared(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        state.deliveries.is_none() && state.held.is_empty()
    }
}
