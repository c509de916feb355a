//! How long a test waits for what it expects.

use std::{panic::Location, time::Duration};

use tokio::time::{Instant, timeout_at};

/// How long a test waits for what it expects: long enough for a busy machine, short enough for a person.
/// On paused time it is over at once when nothing more can happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for what is expected.
///
/// # Panics
/// With what `told` says if it does not come.
pub(super) async fn expect<T>(
    expected: impl Future<Output = T>,
    at: &'static Location<'static>,
    told: impl FnOnce() -> String,
) -> T {
    match timeout_at(Instant::now() + PATIENCE, expected).await {
        Ok(come) => come,
        Err(_) => panic!("{at}: {} within {PATIENCE:?}", told()),
    }
}
