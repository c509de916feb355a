//! How long a client wants to wait.

use std::time::Duration;

use http::HeaderValue;
use skyloom::{Result, Status};

/// The timeout of a REST or JSON request: the header `connect-timeout-ms`, as the Connect protocol
/// has it, a whole number of milliseconds from 1 to the maximum.
pub(crate) fn connect_timeout(header: Option<&HeaderValue>, longest: Duration) -> Result<Option<Duration>> {
    let Some(value) = header else { return Ok(None) };
    let timeout = value.to_str().ok().and_then(|text| digits(text, 10)).map(Duration::from_millis);
    match timeout.filter(|timeout| !timeout.is_zero() && *timeout <= longest) {
        Some(timeout) => Ok(Some(timeout)),
        None => {
            let longest = longest.as_millis();
            let message = format!("the header connect-timeout-ms must be a number of milliseconds from 1 to {longest}");
            Err(Status::invalid_argument(message))
        }
    }
}

/// The timeout of a gRPC request: the header `grpc-timeout`, at most eight digits and a unit. What
/// is longer than the maximum counts as the maximum, since libraries send days for "none".
pub(crate) fn grpc_timeout(header: Option<&HeaderValue>, longest: Duration) -> Result<Option<Duration>> {
    let Some(value) = header else { return Ok(None) };
    let parse = |text: &str| {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number = digits(number, 8)?;
        Some(match unit {
            "H" => Duration::from_secs(number * 3600),
            "M" => Duration::from_secs(number * 60),
            "S" => Duration::from_secs(number),
            "m" => Duration::from_millis(number),
            "u" => Duration::from_micros(number),
            "n" => Duration::from_nanos(number),
            _ => return None,
        })
    };
    let timeout = value.to_str().ok().and_then(parse);
    timeout.map(|timeout| Some(timeout.min(longest))).ok_or_else(|| {
        let message = "the header grpc-timeout must be one to eight digits and a unit of H, M, S, m, u or n";
        Status::invalid_argument(message)
    })
}

fn digits(text: &str, most: usize) -> Option<u64> {
    let well_formed = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{connect_timeout, grpc_timeout};

    const LONGEST: Duration = Duration::from_secs(3600);

    #[test]
    fn connects_header() {
        let parse = |text: &str| connect_timeout(Some(&text.parse().unwrap()), LONGEST);
        assert_eq!(parse("1500").unwrap(), Some(Duration::from_millis(1500)));
        assert_eq!(connect_timeout(None, LONGEST).unwrap(), None);
        for text in ["", "0", "-1", "+5", "1.5", "2s", "3600001", "99999999999", "1e3", " 5x"] {
            let message = parse(text).unwrap_err();
            assert!(message.message().contains("milliseconds from 1 to 3600000"), "{text}");
        }
    }

    #[test]
    fn grpcs_header() {
        let parse = |text: &str| grpc_timeout(Some(&text.parse().unwrap()), LONGEST);
        for (text, expected) in [
            ("1H", LONGEST),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("100m", Duration::from_millis(100)),
            ("5u", Duration::from_micros(5)),
            ("7n", Duration::from_nanos(7)),
            ("99999999H", LONGEST),
        ] {
            assert_eq!(parse(text).unwrap(), Some(expected), "{text}");
        }
        for text in ["", "S", "1", "1s", "123456789S", "-1S", "1.5S"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
