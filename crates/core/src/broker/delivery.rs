//! One envelope handed to one worker under a lease.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Ack, Holding, Lease, Leases, Settlement};
use crate::Envelope;

/// One envelope handed to one worker under a lease. It is settled by value, so that settling twice
/// does not compile; dropped unsettled, it is given back at once as a failed attempt.
pub struct Delivery {
    envelope: Arc<Envelope>,
    holding: Holding,
}

impl Delivery {
    /// A delivery under `lease`, which lasts `lease_time` unless it is extended.
    #[inline]
    #[must_use]
    pub fn new(envelope: Arc<Envelope>, lease: Lease, lease_time: Duration, leases: Arc<dyn Leases>) -> Self {
        let holding = Holding { attempt: 1, losses: 0, lease_time, deadline: None, lease: Some(lease), leases };
        Self { envelope, holding }
    }

    /// Says which attempt this is, 1 for the first.
    #[inline]
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.holding.attempt = attempt;
        self
    }

    /// Says how many of the last attempts in a row were lost with their workers, so that a worker executes alone what they
    /// may have died of. An attempt whose worker has said how it failed ends the row. A broker that hands such messages out
    /// one at a time by itself does not say it.
    #[inline]
    #[must_use]
    pub fn with_losses(mut self, losses: u32) -> Self {
        self.holding.losses = losses;
        self
    }

    /// Says when the caller's budget will be used up.
    #[inline]
    #[must_use]
    pub fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.holding.deadline = deadline;
        self
    }

    /// The same under the same lease, as a worker has read it.
    pub(crate) fn with_envelope(mut self, envelope: Arc<Envelope>) -> Self {
        self.envelope = envelope;
        self
    }

    /// The two parts of a delivery, together again.
    #[must_use]
    pub(crate) fn from_parts(envelope: Arc<Envelope>, holding: Holding) -> Self {
        Self { envelope, holding }
    }

    /// The envelope, and what is to be settled.
    #[inline]
    #[must_use]
    pub fn into_parts(self) -> (Arc<Envelope>, Holding) {
        (self.envelope, self.holding)
    }

    /// When the caller's budget will be used up.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.holding.deadline
    }

    /// What is to be settled.
    pub(crate) fn holding(&self) -> &Holding {
        &self.holding
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
        self.holding.attempt
    }

    /// How many of the last attempts in a row were lost with their workers, if that matters to a worker.
    #[inline]
    #[must_use]
    pub fn losses(&self) -> u32 {
        self.holding.losses
    }

    /// How long the lease lasts unless it is extended.
    #[inline]
    #[must_use]
    pub fn lease_time(&self) -> Duration {
        self.holding.lease_time
    }

    /// Sends a reply that is not the final one.
    pub fn partial(&self, reply: Arc<Envelope>) -> Ack {
        self.holding.partial(reply)
    }

    /// Starts the lease's time anew; [`BrokerError::unread`](super::BrokerError::unread) if this is a stream that nobody reads
    /// any more.
    pub fn extend(&self) -> Ack {
        self.holding.extend()
    }

    /// Makes this the last attempt, so that the work is done at most once.
    pub fn once(&self) -> Ack {
        self.holding.once()
    }

    /// Ends the lease.
    pub fn settle(self, settlement: Settlement) -> Ack {
        self.holding.settle(settlement)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Delivery");
        debug.field("envelope", &self.envelope.id).field("attempt", &self.attempt()).finish_non_exhaustive()
    }
}
