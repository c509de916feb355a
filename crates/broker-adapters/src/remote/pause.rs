//! Pauses between attempts to connect.

use std::time::Duration;

use tokio::time::Instant;

/// Pauses that double up to a bound, each less up to a half by chance, so that many clients do not come
/// back in step and nobody tries in a hot loop.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    attempts: u32,
    /// Since when it works.
    works: Option<Instant>,
}

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

impl Pauses {
    /// The next pause. It is the shortest again after what has worked for longer than the longest: who is taken and dropped
    /// again at once is to wait longer and longer, too.
    pub(crate) fn next(&mut self) -> Duration {
        if self.works.take().is_some_and(|since| since.elapsed() > LONGEST) {
            self.attempts = 0;
        }
        let full = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        full.mul_f64(1.0 - fastrand::f64() / 2.0)
    }

    /// It works from now on, if it did not before.
    pub(crate) fn works(&mut self) {
        self.works.get_or_insert_with(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_bound_and_start_anew_once_it_has_worked_for_a_while() {
        let mut pauses = Pauses::default();
        let first = pauses.next();
        assert!(first >= FIRST / 2 && first <= FIRST);
        let last = std::iter::repeat_with(|| pauses.next()).take(40).last().unwrap();
        assert!(last >= LONGEST / 2 && last <= LONGEST);
        for _ in 0..2 {
            pauses.works();
            tokio::time::advance(LONGEST / 2).await;
            assert!(pauses.next() >= LONGEST / 2, "it was dropped again soon");
        }
        for _ in 0..2 {
            pauses.works();
            tokio::time::advance(LONGEST).await;
        }
        assert!(pauses.next() <= FIRST);
    }
}
