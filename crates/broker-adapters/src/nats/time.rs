//! The server's clock.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The server's clock as it stood at one moment of ours. Messages carry the server's time, and an age that is
/// measured by one clock is right on whatever host.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    server: Duration,
    here: Instant,
}

impl ServerClock {
    /// The server's time now, in RFC 3339.
    pub(super) fn read(text: &str) -> Option<Self> {
        Some(Self { server: since_epoch(text)?, here: Instant::now() })
    }

    /// Our own, where the server's is not known.
    pub(super) fn ours() -> Self {
        let server = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { server, here: Instant::now() }
    }

    /// How long ago, by the server's clock, something happened at this time since the Unix epoch.
    pub(super) fn age(&self, then: Duration, now: Instant) -> Duration {
        (self.server + now.saturating_duration_since(self.here)).saturating_sub(then)
    }
}

/// Since the Unix epoch, of a time as Go writes it: `2026-11-23T21:18:33.123456789Z`, also with an offset.
pub(super) fn since_epoch(text: &str) -> Option<Duration> {
    let (date, rest) = text.split_once('T')?;
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let end = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at_checked(end)?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let offset = match zone {
        "Z" => 0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    // Days from civil, Howard Hinnant's: years begin in March, so that the leap day is their last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second - offset).ok()?;
    let digits = fraction.len().min(9);
    let nanos = fraction.get(..digits)?.parse::<u32>().unwrap_or(0) * 10u32.pow(9 - u32::try_from(digits).ok()?);
    Some(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_times_are_read() {
        let read = |text| since_epoch(text).unwrap();
        assert_eq!(read("1970-01-01T00:00:00Z"), Duration::ZERO);
        assert_eq!(read("2024-02-29T12:00:00.5Z"), Duration::from_millis(1_709_208_000_500));
        assert_eq!(read("2026-11-23T21:18:33.123456789+01:00"), Duration::new(1_795_465_113, 123_456_789));
        assert_eq!(since_epoch("yesterday"), None);
    }
}
