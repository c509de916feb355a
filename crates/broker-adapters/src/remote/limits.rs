//! [`QueueLimits`].

use super::{BrokerUrl, UrlError};

/// How much a channel takes before senders are refused, and what every channel's name begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Begins every name at the broker, so that several clusters can share one; `skyloom` if not set.
    pub prefix: String,
    /// How many messages a channel holds.
    pub messages: usize,
    /// How many bytes a channel holds.
    pub bytes: usize,
    /// The largest envelope.
    pub message_bytes: usize,
}

impl QueueLimits {
    /// The options of a URL that set these.
    pub const OPTIONS: [&'static str; 4] = ["prefix", "queue_messages", "queue_bytes", "max_message"];

    /// What a URL sets, and the embedded broker's limits for the rest.
    ///
    /// # Errors
    /// [`UrlError::Value`] if one of them makes no sense.
    pub fn of(url: &BrokerUrl) -> Result<Self, UrlError> {
        let usual = skyloom_broker::engine::Limits::default();
        let prefix = url.option("prefix").unwrap_or("skyloom").to_owned();
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if prefix.is_empty() || prefix.len() > 32 || !prefix.bytes().all(fits) {
            let expected = "1 to 32 of a-z, 0-9, - and _".to_owned();
            return Err(UrlError::Value { key: "prefix".to_owned(), value: prefix, expected });
        }
        Ok(Self {
            prefix,
            messages: url.count("queue_messages")?.unwrap_or(usual.channel_messages),
            bytes: url.count("queue_bytes")?.unwrap_or(usual.channel_bytes),
            message_bytes: url.count("max_message")?.unwrap_or(usual.message_bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::QueueLimits;

    #[test]
    fn a_url_sets_limits() {
        let limits = QueueLimits::of(&"nats://a?prefix=staging&queue_messages=7".parse().unwrap()).unwrap();
        assert_eq!((limits.prefix.as_str(), limits.messages), ("staging", 7));
        let bad = QueueLimits::of(&"nats://a?prefix=a.b".parse().unwrap()).unwrap_err().to_string();
        assert!(bad.contains("\"a.b\""), "{bad}");
    }
}
