//! Whether to stay awake.

#![allow(
    clippy::disallowed_types,
    reason = "how long to stay awake is a matter of the processor's time, whatever a test says of the clock"
)]

use std::time::{Duration, Instant};

/// Somebody stays awake for so many times as long as he was busy with what had come last, which bounds what that may cost, ...
const TIMES: u32 = 4;

/// ... but at least for so long: to wake somebody costs some 50 µs where his processor sleeps, too, and is a virtual one, and the
/// other side's answer to what he has just sent may take as long again, ...
const LEAST: Duration = Duration::from_micros(150);

/// ... and at most for so long.
const MOST: Duration = Duration::from_millis(1);

/// Whoever gets the processor back after so long shares it with somebody who does not let others have it in between, and would
/// get it sooner if he slept: who has slept comes first.
const CROWDED: Duration = Duration::from_millis(2);

/// For so long after that nobody stays awake, ...
const FIRST_REST: Duration = Duration::from_millis(30);

/// ... each time for twice as long if it is so again soon, ...
const LONGEST_REST: Duration = Duration::from_secs(2);

/// ... which is before so many times the last rest have passed.
const SOON: u32 = 8;

/// After so many times in a row for nothing it is tried least often: once for each 1,024 messages.
const MOST_MISSES: u32 = 10;

/// Whether it is worth staying awake for a moment after something has come. Where nothing more comes, it is tried less and
/// less often.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// When something has come whose consequences are still being seen to.
    began: Option<Instant>,
    /// How long to look for more.
    until: Option<Instant>,
    /// The end of the last rest, and how long it is.
    rested: Option<Instant>,
    rest: Duration,
    /// How often nothing came in time since something last did.
    misses: u32,
    /// How often not to try.
    skip: u32,
}

impl Patience {
    /// Something has come. Returns whether to look for more before going to sleep.
    pub(super) fn came(&mut self, now: Instant) -> bool {
        if self.until.take().is_some_and(|until| now <= until) {
            self.misses = 0;
        }
        let is_resting = self.rested.is_some_and(|rested| now < rested);
        if self.began.is_none() && self.skip == 0 && !is_resting {
            self.began = Some(now);
        }
        self.skip = self.skip.saturating_sub(1);
        self.began.is_some()
    }

    /// There is nothing to do at the moment. Returns whether to look again before going to sleep.
    pub(super) fn looks_again(&mut self, now: Instant) -> bool {
        if let Some(began) = self.began.take() {
            self.until = Some(now + ((now - began) * TIMES).clamp(LEAST, MOST));
        }
        let Some(until) = self.until else { return false };
        if now < until {
            return true;
        }
        self.until = None;
        self.misses = MOST_MISSES.min(self.misses + 1);
        self.skip = (1 << self.misses) - 1;
        false
    }

    /// Others had the processor from then until now.
    pub(super) fn waited(&mut self, since: Instant, now: Instant) {
        if now - since <= CROWDED {
            return;
        }
        let again = self.rested.is_some_and(|rested| now < rested + self.rest * SOON);
        self.rest = if again { LONGEST_REST.min(self.rest * 2) } else { FIRST_REST };
        (self.began, self.until, self.rested) = (None, None, Some(now + self.rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_more_at_once_stays_awake() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        assert!(!patience.looks_again(now), "nothing has come");
        for _ in 0..10 {
            assert!(patience.came(now));
            assert!(patience.looks_again(now));
            now += LEAST / 2;
            assert!(patience.looks_again(now));
        }
        now += LEAST;
        assert!(!patience.looks_again(now));
        assert!(!patience.looks_again(now), "nothing has come since");
    }

    #[test]
    fn who_was_busy_for_long_stays_awake_for_longer() {
        for (busy, awake) in [(1, 150), (60, 240), (100, 400), (9_000, 1_000)] {
            let (mut patience, mut now) = (Patience::default(), Instant::now());
            patience.came(now);
            now += Duration::from_micros(busy);
            patience.came(now - Duration::from_nanos(1));
            assert!(patience.looks_again(now), "it is busy since the first");
            now += Duration::from_micros(awake - 1);
            assert!(patience.looks_again(now), "{busy}");
            now += Duration::from_micros(1);
            assert!(!patience.looks_again(now), "{busy}");
        }
    }

    #[test]
    fn who_waits_for_nothing_does_so_less_and_less_often() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        let mut looked = 0;
        for _ in 0..100_000 {
            let is_worth_it = patience.came(now);
            assert_eq!(patience.looks_again(now), is_worth_it);
            looked += usize::from(is_worth_it);
            now += 2 * MOST;
            assert!(!patience.looks_again(now));
        }
        assert!((100..120).contains(&looked), "{looked}");
        while !patience.came(now) {}
        assert!(patience.looks_again(now));
        assert!(patience.came(now));
        assert!(patience.looks_again(now));
        now += 2 * MOST;
        assert!(!patience.looks_again(now));
        assert!(!patience.came(now));
        assert!(patience.came(now), "something came while it was awake, so that it begins anew");
    }

    #[test]
    fn who_does_not_get_the_processor_back_sleeps() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        assert!(patience.came(now));
        assert!(patience.looks_again(now));
        patience.waited(now, now + CROWDED);
        assert!(patience.looks_again(now), "that was not for long");
        for rest in [30, 60, 120, 240, 480, 960, 1_920, 2_000, 2_000].map(Duration::from_millis) {
            now = crowded(&mut patience, now);
            assert!(!patience.looks_again(now));
            assert!(!patience.came(now + rest / 2));
            assert!(!patience.looks_again(now + rest / 2));
            now += rest;
            assert!(patience.came(now), "{rest:?}");
        }
        now = crowded(&mut patience, now + 8 * LONGEST_REST);
        assert!(patience.came(now + FIRST_REST), "it was not so for a while");
    }

    fn crowded(patience: &mut Patience, now: Instant) -> Instant {
        let later = now + 2 * CROWDED;
        patience.waited(now, later);
        later
    }
}
