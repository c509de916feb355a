//! The broker of a new project: which it is, and where.

use skyloom::{
    Settings,
    config::{ConfigError, Sources},
};

use super::value::Values;

/// Adds the template's variables that name a broker, by its kind or its URL.
///
/// # Errors
/// A URL that cannot be one of its kind. What is no kind at all is refused by the template.
pub(super) fn add_to(values: &mut Values, broker: &str) -> Result<(), String> {
    let kind = kind(broker);
    values.insert("broker".to_owned(), kind.into());
    if is_embedded(broker) {
        return match broker {
            "local" | "local:" => Ok(()),
            _ => Err("where the embedded broker listens is said in the cluster file, by listen in [broker]; write \
                      local here"
                .to_owned()),
        };
    }
    if kind == broker {
        return Ok(());
    }
    // It becomes a text of skyloom.toml.
    if broker.contains(['"', '\\']) || broker.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a URL has no quotes, backslashes or spaces; write them as %22, %5C and %20".to_owned());
    }
    // What a process would say of it when it starts.
    let flags = vec![format!("--broker={broker}")];
    Settings::load(&Sources { flags, ..Sources::default() }).map_err(|error| match error {
        ConfigError::Value { reason, .. } => reason,
        other => other.to_string(),
    })?;
    values.insert("broker_url".to_owned(), broker.into());
    Ok(())
}

/// Whether a kind or a URL is the embedded broker's.
pub(super) fn is_embedded(broker: &str) -> bool {
    kind(broker) == "local"
}

/// The kind of broker that a URL names; of anything else itself.
fn kind(broker: &str) -> &str {
    match broker.split_once([':', '+']).map(|(scheme, _)| scheme) {
        Some("nats" | "tls") => "nats",
        Some("redis" | "rediss") => "redis",
        Some("amqp" | "amqps") => "amqp",
        Some("beanstalk") => "beanstalk",
        Some("local" | "unix" | "tcp") => "local",
        _ => broker,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_broker_and_is_kept() {
        for (broker, kind) in [
            ("nats://a:4222", "nats"),
            ("redis+unix:///run/redis.sock", "redis"),
            ("amqps://a", "amqp"),
            ("beanstalk://a", "beanstalk"),
        ] {
            let mut values = Values::new();
            add_to(&mut values, broker).unwrap();
            assert_eq!((&values["broker"], &values["broker_url"]), (&kind.into(), &broker.into()));
        }
        for (broker, kind) in [("local:", "local"), ("nats", "nats"), ("kafka://a", "kafka://a")] {
            let mut values = Values::new();
            add_to(&mut values, broker).unwrap();
            assert_eq!((&values["broker"], values.get("broker_url")), (&kind.into(), None));
        }
    }

    #[test]
    fn a_url_that_is_none_is_refused() {
        let wrong = |broker: &str| add_to(&mut Values::new(), broker).unwrap_err();
        assert!(wrong("unix:/run/b.sock").contains("listen in [broker]"));
        assert!(wrong("nats://a\"").contains("no quotes"));
        assert!(wrong("redis://a/b").contains("is no number of a database"), "{}", wrong("redis://a/b"));
        assert!(!wrong("nats://ada:secret@h:0").contains("secret"));
    }
}
