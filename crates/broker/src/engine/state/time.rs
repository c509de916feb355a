//! A moment in the engine's life.

use std::time::Duration;

/// Nanoseconds since the driver's epoch; half the size of a [`Duration`], and good for 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(u64);

impl Time {
    /// Before everything else.
    pub(crate) const START: Self = Self(0);

    /// What has no time waits for this one.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// This much later; `NEVER` if that is beyond the end of time.
    #[inline]
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }

    /// How much later than `earlier`; zero if it is not.
    #[inline]
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This much earlier; `START` if that is before it.
    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(time)))
    }

    /// How long from `now`; none if it never comes.
    #[inline]
    pub(crate) fn left(self, now: Self) -> Option<Duration> {
        (self != Self::NEVER).then(|| self.since(now))
    }
}

impl From<Duration> for Time {
    #[inline]
    fn from(time: Duration) -> Self {
        Self(nanos(time))
    }
}

impl From<Time> for Duration {
    #[inline]
    fn from(time: Time) -> Self {
        Self::from_nanos(time.0)
    }
}

#[inline]
fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(time.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Time;

    #[test]
    fn the_end_of_time_is_not_passed() {
        let now = Time::from(Duration::from_secs(5));
        assert_eq!(now.after(Duration::MAX), Time::NEVER);
        assert_eq!(now.after(Duration::MAX).left(now), None);
        assert_eq!(now.after(Duration::from_millis(1)).since(now), Duration::from_millis(1));
        assert_eq!(now.since(Time::NEVER), Duration::ZERO);
        assert_eq!(now.before(Duration::from_secs(6)), Time::START);
    }
}
