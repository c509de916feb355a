//! A private reply channel.

use std::{collections::HashSet, fmt, sync::Arc};

use super::BrokerError;
use crate::{Envelope, Guid};

/// Where an inbox's replies go. Called by the adapter's driver, so it must be quick.
pub trait ReplySink: Send + Sync {
    /// A partial or final reply has come.
    fn reply(&self, envelope: Arc<Envelope>);

    /// The broker refused a call after its [`Ack`](super::Ack) had resolved, or dropped it unexecuted.
    fn refused(&self, call: Guid, error: BrokerError);

    /// The broker that held the inbox is gone: what was sent before this has an unknown outcome.
    /// The calls in `unsent` were not sent yet; they still wait for a connection.
    fn lost(&self, error: BrokerError, unsent: &HashSet<Guid>);
}

/// Closes an inbox when dropped.
pub trait InboxGuard: Send + Sync {}

/// An open inbox; it closes when dropped.
pub struct Inbox {
    id: Guid,
    _guard: Box<dyn InboxGuard>,
}

impl Inbox {
    /// An inbox that `guard` closes.
    #[must_use]
    pub fn new(id: Guid, guard: Box<dyn InboxGuard>) -> Self {
        Self { id, _guard: guard }
    }

    /// The GUID that names it; requests carry it as `reply_to`.
    #[must_use]
    pub fn id(&self) -> Guid {
        self.id
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inbox").field(&self.id).finish()
    }
}
