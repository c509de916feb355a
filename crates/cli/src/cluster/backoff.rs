//! How long to wait before a process that has ended is started anew.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The first pause's upper bound; it doubles with each end that comes soon after a start.
const FIRST: Duration = Duration::from_millis(100);

/// No pause is longer, so that a repaired process is back within seconds.
const LONGEST: Duration = Duration::from_secs(5);

/// A process that has run for so long has started well; its next end is a first one again.
const STEADY: Duration = Duration::from_secs(10);

/// So many ends within [`STEADY`] are worth a word.
const OFTEN: usize = 5;

/// The ends of one process, as far as they matter.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    streak: u32,
    ends: VecDeque<Instant>,
}

/// What to do about an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// How long to wait.
    pub(super) time: Duration,
    /// It has ended often lately; somebody should look.
    pub(super) often: bool,
}

impl Backoff {
    /// Takes note of an end, and says how long to wait. `jitter` is between 0 and 1: the pause is
    /// between half and all of its upper bound, so that processes that fell together do not come
    /// back together.
    pub(super) fn ended(&mut self, now: Instant, ran: Duration, jitter: f64) -> Pause {
        self.streak = if ran >= STEADY { 0 } else { (self.streak + 1).min(u32::BITS) };
        self.ends.push_back(now);
        while self.ends.front().is_some_and(|end| now.duration_since(*end) > STEADY) || self.ends.len() > OFTEN {
            self.ends.pop_front();
        }
        let doubled = 2_u32.saturating_pow(self.streak.saturating_sub(1));
        let bound = if self.streak == 0 { Duration::ZERO } else { FIRST.saturating_mul(doubled).min(LONGEST) };
        let often = self.ends.len() == OFTEN;
        if often {
            // Said once; the count begins anew.
            self.ends.clear();
        }
        Pause { time: bound.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0), often }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_start_anew_after_a_steady_run() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let quick = Duration::from_millis(20);
        let pauses: Vec<u128> = (0..8).map(|_| backoff.ended(now, quick, 1.0).time.as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        for _ in 0..1_000 {
            assert_eq!(backoff.ended(now, quick, 1.0).time, LONGEST);
        }
        assert_eq!(backoff.ended(now, STEADY, 1.0).time, Duration::ZERO);
        assert_eq!(backoff.ended(now, quick, 0.0).time, FIRST / 2);
    }

    #[test]
    fn five_ends_within_ten_seconds_are_worth_a_word() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        let often: Vec<bool> = (0..10)
            .map(|second| backoff.ended(start + Duration::from_secs(second), Duration::from_secs(1), 0.5).often)
            .collect();
        assert_eq!(often.iter().filter(|often| **often).count(), 2);
        let mut rare = Backoff::default();
        for minute in 0..20 {
            let at = start + Duration::from_secs(60 * minute);
            assert!(!rare.ended(at, Duration::from_secs(1), 0.5).often);
        }
    }
}
