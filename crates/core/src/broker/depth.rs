//! How full a channel is.

use serde::{Deserialize, Serialize};

/// How much work a channel holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Waiting for a worker.
    pub ready: u64,
    /// Held back until a delay ends.
    pub delayed: u64,
    /// With a worker, under a lease.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// Consumers.
    pub consumers: u64,
}
