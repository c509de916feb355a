//! [`Clock`]: the server's clock, as far as it is known here.

use std::time::Duration;

use tokio::time::Instant;

/// What the server's clock said, and when. Between two readings time is this process's own, which never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    said: u64,
    at: Instant,
}

impl Clock {
    pub(super) fn new(said: u64, at: Instant) -> Self {
        Self { said, at }
    }

    /// How long it is until the server's clock says this; zero if it has.
    pub(super) fn until(self, time: u64, now: Instant) -> Duration {
        Duration::from_millis(time.saturating_sub(self.said)).saturating_sub(now.saturating_duration_since(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_between_readings() {
        let read = Instant::now();
        let clock = Clock::new(1_000, read);
        let later = read + Duration::from_millis(30);
        assert_eq!(clock.until(1_100, later), Duration::from_millis(70));
        assert_eq!(clock.until(1_010, later), Duration::ZERO);
    }
}
