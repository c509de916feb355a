//! How long to wait before a process that has ended is started anew, and when to stop talking about it.

use std::time::Duration;

/// The first pause's upper bound; it doubles with each end that comes soon after a start.
const FIRST: Duration = Duration::from_millis(100);

/// No pause is longer, so that a repaired process is back within seconds.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// A process that has run for so long has started well; its next end is a first one again.
pub(super) const STEADY: Duration = Duration::from_secs(10);

/// After so many ends in a row, each soon after a start, everything has been said.
pub(super) const OFTEN: u32 = 5;

/// The ends of one process, as far as they matter.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    streak: u32,
}

/// What to say about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// That it has ended.
    Each,
    /// That it ends each time, for the last time.
    Last,
    /// Nothing more.
    Nothing,
}

/// What to do about an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// How long to wait.
    pub(super) time: Duration,
    /// What to say.
    pub(super) word: Word,
}

impl Backoff {
    /// Takes note of an end, and says how long to wait. `jitter` is between 0 and 1: the pause is
    /// between half and all of its upper bound, so that processes that fell together do not come
    /// back together.
    pub(super) fn ended(&mut self, ran: Duration, jitter: f64) -> Pause {
        self.streak = if ran >= STEADY { 0 } else { self.streak.saturating_add(1) };
        let doubled = 2_u32.saturating_pow(self.streak.saturating_sub(1));
        let bound = if self.streak == 0 { Duration::ZERO } else { FIRST.saturating_mul(doubled).min(LONGEST) };
        let word = match self.streak {
            ..OFTEN => Word::Each,
            OFTEN => Word::Last,
            _ => Word::Nothing,
        };
        Pause { time: bound.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0), word }
    }

    /// Whether everything has been said.
    pub(super) fn is_quiet(&self) -> bool {
        self.streak >= OFTEN
    }

    /// It has started well, or is another program now.
    pub(super) fn reset(&mut self) {
        self.streak = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_start_anew_after_a_steady_run() {
        let mut backoff = Backoff::default();
        let quick = Duration::from_millis(20);
        let pauses: Vec<u128> = (0..8).map(|_| backoff.ended(quick, 1.0).time.as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        for _ in 0..1_000 {
            assert_eq!(backoff.ended(quick, 1.0).time, LONGEST);
        }
        assert_eq!(backoff.ended(STEADY, 1.0).time, Duration::ZERO);
        assert_eq!(backoff.ended(quick, 0.0).time, FIRST / 2);
    }

    #[test]
    fn five_quick_ends_are_worth_a_last_word_until_it_stays() {
        let mut backoff = Backoff::default();
        let quick = Duration::from_secs(1);
        let words: Vec<Word> = (0..7).map(|_| backoff.ended(quick, 0.5).word).collect();
        assert_eq!(words, [Word::Each, Word::Each, Word::Each, Word::Each, Word::Last, Word::Nothing, Word::Nothing]);
        assert!(backoff.is_quiet());
        backoff.reset();
        assert_eq!((backoff.ended(quick, 0.5).word, backoff.is_quiet()), (Word::Each, false));
        let mut rare = Backoff::default();
        assert!((0..20).all(|_| rare.ended(STEADY, 0.5).word == Word::Each));
    }
}
