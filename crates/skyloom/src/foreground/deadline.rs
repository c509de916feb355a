//! When the time is over that the process has for its end.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

/// Unset until it begins to end. A process ends once.
static END: OnceLock<Instant> = OnceLock::new();

/// The process begins to end, and has this long.
pub(super) fn begin(limit: Duration) {
    END.get_or_init(|| Instant::now() + limit);
}

/// How long the process still has; nothing if it has not begun to end.
pub(crate) fn left() -> Option<Duration> {
    Some(END.get()?.saturating_duration_since(Instant::now()))
}
