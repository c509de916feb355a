//! Times on the command line.

use std::time::Duration;

use skyloom::config::parse_duration;

/// The longest timeout: the longest that a client waits.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// A timeout such as `500ms` or `2s`: more than nothing, at most an hour.
///
/// # Errors
/// A sentence that names the text and says what is wrong with it.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time > MAX_TIMEOUT { Err(format!("{text:?} is too long: give at most 1h")) } else { Ok(time) }
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
        assert_eq!(parse_timeout("1h"), Ok(MAX_TIMEOUT));
        for text in ["0s", "-1s", "1e9h", "abc", "2", "61m", ""] {
            assert!(parse_timeout(text).unwrap_err().contains(&format!("{text:?}")), "{text}");
        }
        assert_eq!(parse_delay("2h"), Ok(Duration::from_secs(7_200)));
    }
}
