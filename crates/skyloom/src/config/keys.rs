//! The keys of the configuration and the form of their values.

use std::{net::SocketAddr, num::IntErrorKind, time::Duration};

use super::{filter::parse_filter, secrets::without_password};
use crate::connect::{check_broker, check_registry};

/// The form of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Any text.
    Text,
    /// A broker's URL.
    Broker,
    /// A registry's URL.
    Registry,
    /// An address with a port.
    Address,
    /// A whole number of at least 1.
    Count,
    /// A time such as `500ms` or `2s`.
    Time,
    /// Levels by module, such as `info,links=debug`.
    Filter,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A table of the service's own keys.
    Own,
}

/// A key, the form of its value, and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// Whether a running process takes a new value over on SIGHUP.
    pub(super) live: bool,
    pub(super) help: &'static str,
}

impl Key {
    /// A value of it as it may be shown. Only text and URLs can hold a secret: in `info,auth=debug` there is none.
    pub(super) fn shown(&self, text: &str) -> String {
        match self.form {
            Form::Text | Form::Broker | Form::Registry => without_password(text),
            _ => text.to_owned(),
        }
    }
}

/// The table of a service's own keys.
pub(super) const OWN: &str = "settings";

/// All keys.
pub(super) const KEYS: [Key; 13] = [
    key(
        "broker",
        Form::Broker,
        "the broker's URL: local:, unix:/path, tcp://127.0.0.1:PORT, nats://, redis://, amqp://, beanstalk:// or memory:",
    ),
    key("registry", Form::Registry, "the registry's URL, if it is not the broker's own: local:, nats:// or redis://"),
    key("region", Form::Text, "the region that this process runs in"),
    live("log", Form::Filter, "what to log: off, error, warn, info, debug, trace, or by module: info,links=debug"),
    key(
        "log_format",
        Form::Word(&["auto", "text", "json", "journal"]),
        "text, json, journal (text after a priority), or auto: text on a terminal, journal under it, else json",
    ),
    key("concurrency", Form::Count, "how many requests of one service an instance holds at once"),
    key("lease", Form::Time, "after how long the work of a hung process goes to another"),
    key("max_attempts", Form::Count, "after how many attempts a request becomes a dead letter"),
    live("drain", Form::Time, "how long a drain may take before what is left is given back"),
    live(
        "timeout",
        Form::Time,
        "how long a call may take if neither the caller nor the method says, never more than 1h",
    ),
    live(
        "busy_poll",
        Form::Word(&["on", "off"]),
        "on: a process that is called often stays awake for a moment after each message, which makes calls faster; off: it sleeps at once",
    ),
    key("listen", Form::Address, "the gateway's address, such as 127.0.0.1:8080"),
    key(OWN, Form::Own, "a table of the service's own keys"),
];

const fn key(name: &'static str, form: Form, help: &'static str) -> Key {
    Key { name, form, live: false, help }
}

const fn live(name: &'static str, form: Form, help: &'static str) -> Key {
    Key { name, form, live: true, help }
}

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// What is wrong with a value, if something is.
pub(super) fn check(form: Form, text: &str) -> Result<(), String> {
    match form {
        Form::Text => Ok(()),
        Form::Broker => check_broker(text).map_err(|error| error.to_string()),
        Form::Registry => check_registry(text).map_err(|error| error.to_string()),
        Form::Address if text.parse::<SocketAddr>().is_ok() => Ok(()),
        Form::Address => Err(format!("{text:?} is no address: write it as 127.0.0.1:8080")),
        Form::Count => match text.parse::<u32>() {
            Ok(1..) => Ok(()),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
                Err(format!("{text:?} is too much: give at most {}", u32::MAX))
            }
            _ => Err(format!("{text:?} is not a whole number of at least 1")),
        },
        Form::Time => parse_duration(text).map(drop),
        Form::Filter => parse_filter(text).map(drop),
        Form::Word(words) if words.contains(&text) => Ok(()),
        Form::Word(words) => Err(format!("{text:?} is none of {}", words.join(", "))),
        Form::Own => Err("it is a table of the service's own keys".to_owned()),
    }
}

/// The longest time that may be configured.
const MAX_HOURS: u32 = 24;

/// Reads a time such as `250ms`, `2s`, `1.5s`, `5m` or `1h`; more than nothing, at most a day.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse_duration_within(text, MAX_HOURS)
}

/// As [`parse_duration`], but at most this many hours.
///
/// # Errors
/// As for [`parse_duration`].
pub fn parse_duration_within(text: &str, hours: u32) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time: write a number and ms, s, m or h, such as 500ms or 2s");
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = if plain { number.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
    let time = Duration::try_from_secs_f64(number * seconds).unwrap_or(Duration::MAX);
    if time.is_zero() {
        return Err(format!("{text:?} is no time at all: give more than nothing"));
    }
    if time > Duration::from_secs(3600) * hours {
        return Err(format!("{text:?} is too long: give at most {hours}h"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_duration;

    #[test]
    fn times() {
        for (text, millis) in [("250ms", 250), ("2s", 2_000), ("1.5s", 1_500), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
        for text in
            ["", "s", "2", "2x", "-1s", "1e9h", "0s", "0.0001ms0", "nan s", "inf s", "25h", "9999999999999h", "ä"]
        {
            let sentence = parse_duration(text).unwrap_err();
            assert!(sentence.contains(&format!("{text:?}")), "{sentence}");
        }
    }
}
