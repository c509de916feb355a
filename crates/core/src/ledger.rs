//! What one user transaction cost in application transactions.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};

/// Counts of the application transactions that a call caused, in the process that made it and in
/// every process behind it. It rides in each envelope and comes back merged on every reply, errors
/// included. Counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Envelopes put on a queue, topic or inbox: requests, casts, events, partial replies.
    pub sends: u32,
    /// Envelopes taken from a queue or an inbox.
    pub receives: u32,
    /// Deliveries settled (a reply and the end of its lease are one settle).
    pub settles: u32,
    /// Sends that repeated an earlier one, and deliveries that were not the first attempt.
    pub retries: u32,
}

impl Ledger {
    /// The sum of the counts of both.
    #[inline]
    #[must_use]
    pub const fn merge(self, other: Self) -> Self {
        Self {
            sends: self.sends.saturating_add(other.sends),
            receives: self.receives.saturating_add(other.receives),
            settles: self.settles.saturating_add(other.settles),
            retries: self.retries.saturating_add(other.retries),
        }
    }

    /// All application transactions together. A retry is counted among the sends already.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.sends.saturating_add(self.receives).saturating_add(self.settles)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.total() == 0 && self.retries == 0
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sends, receives, settles, retries } = self;
        write!(f, "sends={sends} receives={receives} settles={settles} retries={retries}")
    }
}

/// A ledger that several calls of one handler add to.
#[derive(Debug, Default)]
pub struct LedgerBook {
    sends: AtomicU32,
    receives: AtomicU32,
    settles: AtomicU32,
    retries: AtomicU32,
}

impl LedgerBook {
    /// Adds counts, for instance those that came back on a reply.
    pub fn add(&self, ledger: Ledger) {
        self.sends.fetch_add(ledger.sends, Relaxed);
        self.receives.fetch_add(ledger.receives, Relaxed);
        self.settles.fetch_add(ledger.settles, Relaxed);
        self.retries.fetch_add(ledger.retries, Relaxed);
    }

    /// The counts so far.
    #[must_use]
    pub fn read(&self) -> Ledger {
        Ledger {
            sends: self.sends.load(Relaxed),
            receives: self.receives.load(Relaxed),
            settles: self.settles.load(Relaxed),
            retries: self.retries.load(Relaxed),
        }
    }
}
