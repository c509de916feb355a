//! What the door counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use skyloom_core::Guid;
use tokio::time::Instant;

use super::command::Op;

/// How many commands are counted.
const OPS: usize = Op::Other as usize + 1;

/// What all connections of one door share.
#[derive(Debug)]
pub(super) struct Figures {
    ops: [AtomicU64; OPS],
    pub(super) connections: AtomicU64,
    pub(super) connections_ever: AtomicU64,
    pub(super) producers: AtomicU64,
    pub(super) workers: AtomicU64,
    /// No more jobs are taken in.
    pub(super) draining: AtomicBool,
    pub(super) job_bytes: u32,
    started: Instant,
    /// Names this run.
    pub(super) id: String,
}

impl Figures {
    pub(super) fn new(job_bytes: u32) -> Self {
        let id = Guid::private().as_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self {
            ops: [const { AtomicU64::new(0) }; OPS],
            connections: AtomicU64::new(0),
            connections_ever: AtomicU64::new(0),
            producers: AtomicU64::new(0),
            workers: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            job_bytes,
            started: Instant::now(),
            id,
        }
    }

    pub(super) fn count(&self, op: Op) {
        if let Some(count) = self.ops.get(op as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn counted(&self, op: Op) -> u64 {
        self.ops.get(op as usize).map_or(0, |count| count.load(Relaxed))
    }

    /// For how long it has run, in seconds.
    pub(super) fn uptime(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}
