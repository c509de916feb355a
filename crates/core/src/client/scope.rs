//! What a call inherits from the call that is being served.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{LedgerBook, Text, TraceContext};

/// Deadline, trace, principal and ledger of the call that is being served. The calls that its
/// handler makes inherit them.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// When the caller's time is used up.
    pub deadline: Option<Instant>,
    /// The trace.
    pub trace: Option<TraceContext>,
    /// Who is asking.
    pub principal: Option<Text>,
    /// Where the costs go.
    pub book: Arc<LedgerBook>,
}
