//! Pauses between attempts to connect.

use std::time::Duration;

/// Pauses that double up to a bound, each less up to a half by chance, so that many clients do not come
/// back in step and nobody tries in a hot loop.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    attempts: u32,
}

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

impl Pauses {
    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        full.mul_f64(1.0 - fastrand::f64() / 2.0)
    }

    /// It has worked: the next pause is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_start_anew() {
        let mut pauses = Pauses::default();
        let first = pauses.next();
        assert!(first >= FIRST / 2 && first <= FIRST);
        let last = std::iter::repeat_with(|| pauses.next()).take(40).last().unwrap();
        assert!(last >= LONGEST / 2 && last <= LONGEST);
        pauses.reset();
        assert!(pauses.next() <= FIRST);
    }
}
