//! How long the client's library waits before each attempt to connect.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::remote::Pauses;

/// Longer than any process runs.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A connection that has lasted for so long was a good one.
const GOOD: Duration = Duration::from_secs(2);

/// The pauses before attempts to connect: none before the first, also after a good connection, then those of [`Pauses`].
#[derive(Debug)]
pub(super) struct Delays {
    is_over: Arc<AtomicBool>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pauses: Pauses,
    /// When the last attempt began.
    tried: Option<Instant>,
}

impl Delays {
    /// Those of a connection that is needed until this is set.
    pub(super) fn until(is_over: Arc<AtomicBool>) -> Self {
        Self { is_over, state: Mutex::default() }
    }

    /// The pause before the attempt of this number since there was a connection.
    pub(super) fn before(&self, attempt: usize) -> Duration {
        if self.is_over.load(Ordering::Relaxed) {
            return NEVER;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_good = attempt <= 1 && state.tried.is_none_or(|tried| tried.elapsed() > GOOD);
        let pause = if was_good {
            state.pauses = Pauses::default();
            Duration::ZERO
        } else {
            state.pauses.next()
        };
        state.tried = Some(Instant::now() + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_dropped_again_soon_waits_longer_each_time() {
        let delays = Delays::until(Arc::default());
        assert_eq!(delays.before(1), Duration::ZERO);
        assert!(delays.before(2) > Duration::ZERO);
        let mut last = Duration::ZERO;
        for _ in 0..20 {
            tokio::time::advance(last + GOOD / 2).await;
            last = delays.before(1);
        }
        assert!(last >= GOOD / 2, "{last:?}");
        tokio::time::advance(last + GOOD * 2).await;
        assert_eq!(delays.before(1), Duration::ZERO, "a good connection has ended");
    }

    #[test]
    fn nothing_is_tried_once_it_is_over() {
        assert_eq!(Delays::until(Arc::new(true.into())).before(1), NEVER);
    }
}
