//! [`Patience`]: staying awake for a moment.

#![allow(
    clippy::disallowed_types,
    reason = "how long to stay awake is a matter of the processor's time, whatever a test says of the clock"
)]

use std::time::{Duration, Instant};

/// For how long somebody stays awake who may have more to do in a moment: longer than it takes until the other side's answer
/// to the last message is here, when both are busy. To wake somebody who sleeps takes some 50 µs where the processor
/// sleeps, too, and is a virtual one.
const MOMENT: Duration = Duration::from_micros(150);

/// After so many times in a row for nothing it is tried least often: once for each 1,024 messages.
const MOST_MISSES: u32 = 10;

/// Whether to stay awake for a moment after something has come, because more is likely to come at once. Where that is
/// not so, it is tried less and less often, so that a process costs next to nothing that has little to do.
#[derive(Debug, Default)]
pub struct Patience {
    until: Option<Instant>,
    /// How often nothing came in time since something last did.
    misses: u32,
    /// How often not to try.
    skip: u32,
}

impl Patience {
    /// Something has come.
    pub fn came(&mut self) {
        self.came_at(Instant::now());
    }

    /// Whether to look again before going to sleep.
    pub fn looks_again(&mut self) -> bool {
        self.until.is_some() && self.looks_again_at(Instant::now())
    }

    fn came_at(&mut self, now: Instant) {
        if self.until.is_some() {
            self.misses = 0;
        }
        self.until = (self.skip == 0).then(|| now + MOMENT);
        self.skip = self.skip.saturating_sub(1);
    }

    fn looks_again_at(&mut self, now: Instant) -> bool {
        let Some(until) = self.until else { return false };
        if now < until {
            return true;
        }
        self.until = None;
        self.misses = MOST_MISSES.min(self.misses + 1);
        self.skip = (1 << self.misses) - 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_more_at_once_stays_awake() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        assert!(!patience.looks_again_at(now), "nothing has come");
        for _ in 0..10 {
            patience.came_at(now);
            now += MOMENT / 2;
            assert!(patience.looks_again_at(now));
        }
        now += MOMENT;
        assert!(!patience.looks_again_at(now));
    }

    #[test]
    fn who_waits_for_nothing_does_so_less_and_less_often() {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        let mut looked = 0;
        for _ in 0..100_000 {
            patience.came_at(now);
            looked += usize::from(patience.looks_again_at(now));
            now += 2 * MOMENT;
            assert!(!patience.looks_again_at(now));
        }
        assert!((100..120).contains(&looked), "{looked}");
        while !patience.looks_again_at(now) {
            patience.came_at(now);
        }
        patience.came_at(now);
        now += 2 * MOMENT;
        assert!(!patience.looks_again_at(now));
        patience.came_at(now);
        patience.came_at(now);
        assert!(patience.looks_again_at(now), "something came while it was awake, so that it begins anew");
    }
}
