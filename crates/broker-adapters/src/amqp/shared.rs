//! [`Shared`]: the state behind its lock, and who is woken by its changes.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use skyloom_core::{
    Envelope,
    broker::{Ack, Lease, Leases, Settlement},
};
use tokio::sync::{Notify, watch};

use super::{options::AmqpOptions, state::State, tell::Tell};

/// What the handles and the driver of one connection share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to write, or a deadline to watch.
    pub(super) work: Notify,
    /// Whether the driver has ended.
    pub(super) ended: watch::Sender<bool>,
    /// Where the server is.
    pub(super) address: String,
}

impl Shared {
    pub(super) fn new(options: AmqpOptions, address: String) -> Arc<Self> {
        Arc::new_cyclic(|shared: &Weak<Self>| Self {
            state: Mutex::new(State::new(options, shared.clone())),
            work: Notify::new(),
            ended: watch::Sender::new(false),
            address,
        })
    }

    /// Changes the state, and tells whom it concerns when it is unlocked again.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // No user code runs under the lock; a poisoned state is whole.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (dirty, timed) = (state.is_dirty(), state.is_timed());
        let value = change(&mut state);
        let wake = (!dirty && state.is_dirty()) || (!timed && state.is_timed());
        let tells = state.take_tells();
        drop(state);
        tells.into_iter().for_each(Tell::tell);
        if wake {
            self.work.notify_one();
        }
        value
    }
}

impl Leases for Shared {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        self.with(|state| state.settle(lease, settlement))
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        self.with(|state| state.partial(lease, &reply))
    }

    fn extend(&self, lease: Lease) -> Ack {
        self.with(|state| state.extend(lease))
    }

    fn once(&self, lease: Lease) -> Ack {
        self.with(|state| state.once(lease))
    }
}
