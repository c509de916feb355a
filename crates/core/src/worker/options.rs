//! How a worker behaves.

use std::time::Duration;

use crate::broker::ConsumeOptions;

/// How a worker behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// How many requests of one service an instance holds at once; the consumer's credit.
    /// Default 64.
    pub concurrency: u32,
    /// How long a lease lasts. It is extended while a handler runs, so it is the time until the
    /// work of a hung process goes to another. Default 30 s.
    pub lease: Duration,
    /// After how many attempts a request becomes a dead letter. Default 5.
    pub max_attempts: u32,
    /// How long a drain may take before what is left is given back. Default 20 s.
    pub drain: Duration,
    /// The name of this host.
    pub host: String,
    /// The region that this instance runs in; empty if it does not matter.
    pub region: String,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        let consume = ConsumeOptions::default();
        Self {
            concurrency: consume.credit,
            lease: consume.lease,
            max_attempts: consume.max_attempts,
            drain: Duration::from_secs(20),
            host: String::new(),
            region: String::new(),
        }
    }
}

impl WorkerOptions {
    pub(super) fn consume(&self) -> ConsumeOptions {
        ConsumeOptions {
            credit: self.concurrency.max(1),
            lease: self.lease,
            max_attempts: self.max_attempts.max(1),
            ephemeral: false,
        }
    }
}
