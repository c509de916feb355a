//! Times on the command line.

use std::time::Duration;

use skyloom::config::{parse_duration, parse_duration_within};

/// The longest timeout: the longest that a client waits.
const MAX_TIMEOUT_HOURS: u32 = 1;

/// A timeout such as `500ms` or `2s`: more than nothing, at most an hour.
///
/// # Errors
/// A sentence that names the text and says what is wrong with it.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    parse_duration_within(text, MAX_TIMEOUT_HOURS)
}

/// A delay such as `5s` or `2h`: more than nothing, at most a day.
///
/// # Errors
/// As for [`parse_timeout`].
pub(crate) fn parse_delay(text: &str) -> Result<Duration, String> {
    parse_duration(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_bounds() {
        assert_eq!(parse_timeout("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_timeout("1h"), Ok(Duration::from_secs(3_600)));
        for text in ["0s", "-1s", "1e9h", "abc", "2", "61m", ""] {
            assert!(parse_timeout(text).unwrap_err().contains(&format!("{text:?}")), "{text}");
        }
        for text in ["61m", "99h"] {
            assert_eq!(parse_timeout(text), Err(format!("{text:?} is too long: give at most 1h")));
        }
        assert_eq!(parse_delay("99h"), Err("\"99h\" is too long: give at most 24h".to_owned()));
        assert_eq!(parse_delay("2h"), Ok(Duration::from_secs(7_200)));
    }
}
