//! Leases: what a worker holds of a delivery besides its envelope, and how it ends.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Ack, BrokerError};
use crate::Envelope;

/// Names one lease of one message at its broker. Its meaning is the adapter's; a lease that has
/// ended never comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Where the message is.
    pub slot: u32,
    /// Which lease of the broker's life this is.
    pub number: u64,
}

/// How a delivery ends.
#[derive(Debug)]
pub enum Settlement {
    /// Answered: the reply goes to the request's inbox and the lease ends, as one operation.
    Reply(Arc<Envelope>),
    /// Done; there is nobody to answer.
    Done,
    /// To be tried again after a delay; counts as an attempt.
    Retry {
        /// How long to hold it back.
        delay: Duration,
        /// Why, for the dead letter that it becomes when its attempts are used up.
        reason: String,
    },
    /// Given back untouched; does not count as an attempt.
    Release,
    /// Not to be tried again: becomes a dead letter.
    Bury {
        /// Why.
        reason: String,
    },
}

/// The broker's side of its leases.
pub trait Leases: Send + Sync {
    /// Ends a lease. [`BrokerError::Stale`] if it has ended already.
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack;

    /// Sends a reply that is not the final one to the request's inbox.
    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack;

    /// Starts the lease's time anew. Whoever has sent a reply that is not the final one hears by it, as
    /// [`BrokerError::unread`], that the request's inbox is gone, or that nobody has read it for so long that a client
    /// which only connects anew would be back; the lease lasts nevertheless. Where a broker cannot know, it does not say so.
    fn extend(&self, lease: Lease) -> Ack;

    /// Makes this the last attempt: however the lease ends, the message is not delivered again. If
    /// it ends without a reply, the caller hears [`BrokerError::Lost`].
    fn once(&self, lease: Lease) -> Ack;
}

/// A delivery's lease and what is known of it, without its envelope: what its worker settles.
pub struct Holding {
    pub(super) attempt: u32,
    pub(super) losses: u32,
    pub(super) lease_time: Duration,
    pub(super) deadline: Option<Instant>,
    pub(super) lease: Option<Lease>,
    pub(super) leases: Arc<dyn Leases>,
}

impl Holding {
    /// When the caller's budget will be used up.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Which attempt this is, 1 for the first.
    #[inline]
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How long the lease lasts unless it is extended.
    #[inline]
    #[must_use]
    pub fn lease_time(&self) -> Duration {
        self.lease_time
    }

    /// Sends a reply that is not the final one.
    pub fn partial(&self, reply: Arc<Envelope>) -> Ack {
        match self.lease {
            Some(lease) => self.leases.partial(lease, reply),
            None => Ack::ready(Err(BrokerError::Stale)),
        }
    }

    /// Starts the lease's time anew; [`BrokerError::unread`] if this is a stream that nobody reads any more.
    pub fn extend(&self) -> Ack {
        match self.lease {
            Some(lease) => self.leases.extend(lease),
            None => Ack::ready(Err(BrokerError::Stale)),
        }
    }

    /// Makes this the last attempt, so that the work is done at most once.
    pub fn once(&self) -> Ack {
        match self.lease {
            Some(lease) => self.leases.once(lease),
            None => Ack::ready(Err(BrokerError::Stale)),
        }
    }

    /// Ends the lease.
    pub fn settle(mut self, settlement: Settlement) -> Ack {
        match self.lease.take() {
            Some(lease) => self.leases.settle(lease, settlement),
            None => Ack::ready(Err(BrokerError::Stale)),
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            let reason = "the worker dropped it".to_owned();
            drop(self.leases.settle(lease, Settlement::Retry { delay: Duration::ZERO, reason }));
        }
    }
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holding").field("attempt", &self.attempt).field("lease", &self.lease).finish_non_exhaustive()
    }
}
