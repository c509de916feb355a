//! [`Stream`]: what a consumer has been given and has not seen yet.

use std::{collections::VecDeque, sync::Arc, task::Waker, time::Duration};

use skyloom_broker::engine::Conn;
use skyloom_core::{Envelope, broker::Lease};
use tokio::time::Instant;

/// An envelope as the engine holds it here.
pub(super) type Body = Arc<Envelope>;

/// A consumer's side in the state, filled under the lock; bounded by the consumer's credit.
pub(super) struct Stream {
    pub(super) conn: Conn,
    pub(super) given: VecDeque<Given>,
    /// Whom to wake when something is given.
    pub(super) waker: Option<Waker>,
    /// Nothing more will be given.
    pub(super) ended: bool,
}

impl Stream {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn, given: VecDeque::new(), waker: None, ended: false }
    }
}

/// A delivery to be.
pub(super) struct Given {
    pub(super) body: Body,
    pub(super) lease: Lease,
    pub(super) lease_time: Duration,
    pub(super) attempt: u32,
    pub(super) deadline: Option<Instant>,
}
