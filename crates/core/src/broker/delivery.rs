//! One envelope handed to one worker under a lease.

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

    /// Starts the lease's time anew.
    fn extend(&self, lease: Lease) -> Ack;

    /// Makes this the last attempt: however the lease ends, the message is not delivered again. If
    /// it ends without a reply, the caller hears [`BrokerError::Lost`].
    fn once(&self, lease: Lease) -> Ack;
}

/// One envelope handed to one worker under a lease. It is settled by value, so that settling twice
/// does not compile; dropped unsettled, it is given back at once as a failed attempt.
pub struct Delivery {
    envelope: Arc<Envelope>,
    attempt: u32,
    losses: u32,
    lease_time: Duration,
    deadline: Option<Instant>,
    lease: Option<Lease>,
    leases: Arc<dyn Leases>,
}

impl Delivery {
    /// A delivery under `lease`, which lasts `lease_time` unless it is extended.
    #[inline]
    #[must_use]
    pub fn new(envelope: Arc<Envelope>, lease: Lease, lease_time: Duration, leases: Arc<dyn Leases>) -> Self {
        Self { envelope, attempt: 1, losses: 0, lease_time, deadline: None, lease: Some(lease), leases }
    }

    /// Says which attempt this is, 1 for the first.
    #[inline]
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Says how many of the last attempts in a row were lost with their workers, so that a worker executes alone what they
    /// may have died of. An attempt whose worker has said how it failed ends the row. A broker that hands such messages out
    /// one at a time by itself does not say it.
    #[inline]
    #[must_use]
    pub fn with_losses(mut self, losses: u32) -> Self {
        self.losses = losses;
        self
    }

    /// Says when the caller's budget will be used up.
    #[inline]
    #[must_use]
    pub fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same under the same lease, as a worker has read it.
    pub(crate) fn with_envelope(mut self, envelope: Arc<Envelope>) -> Self {
        self.envelope = envelope;
        self
    }

    /// When the caller's budget will be used up.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The envelope.
    #[inline]
    #[must_use]
    pub fn envelope(&self) -> &Arc<Envelope> {
        &self.envelope
    }

    /// Which attempt this is, 1 for the first.
    #[inline]
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How many of the last attempts in a row were lost with their workers, if that matters to a worker.
    #[inline]
    #[must_use]
    pub fn losses(&self) -> u32 {
        self.losses
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

    /// Starts the lease's time anew.
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

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            let reason = "the worker dropped it".to_owned();
            drop(self.leases.settle(lease, Settlement::Retry { delay: Duration::ZERO, reason }));
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Delivery");
        debug.field("envelope", &self.envelope.id).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
