//! Where an envelope can be put so that somebody consumes it under a lease.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{GroupName, Guid, NameError, QueueName, TopicName, guid::ParseGuidError};

/// A channel with consumers: a service's queue, one group of a topic's subscribers, or one running
/// instance. (An inbox is no channel: it belongs to one client and is not leased.)
///
/// As text: `greeter.v1`, `links.visited/audit`, `_inst.<guid>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A service's well-known queue.
    Queue(QueueName),
    /// The share of a topic's events that one group of subscribers consumes.
    Group(TopicName, GroupName),
    /// Reaches one running instance.
    Instance(Guid),
}

impl Channel {
    /// The prefix of an instance's channel.
    pub const INSTANCE_PREFIX: &'static str = "_inst.";

    /// The queue's name, if this channel is a service's queue.
    #[must_use]
    pub const fn queue(&self) -> Option<&QueueName> {
        match self {
            Self::Queue(name) => Some(name),
            _ => None,
        }
    }
}

impl From<QueueName> for Channel {
    fn from(name: QueueName) -> Self {
        Self::Queue(name)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => f.pad(name.as_str()),
            Self::Group(topic, group) => write!(f, "{topic}/{group}"),
            Self::Instance(guid) => write!(f, "{}{guid}", Self::INSTANCE_PREFIX),
        }
    }
}

/// Text that names no channel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseChannelError {
    /// A part of it is not a valid name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An instance channel without a GUID.
    #[error(transparent)]
    Guid(#[from] ParseGuidError),
}

impl FromStr for Channel {
    type Err = ParseChannelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(guid) = text.strip_prefix(Self::INSTANCE_PREFIX) {
            return Ok(Self::Instance(guid.parse()?));
        }
        match text.split_once('/') {
            Some((topic, group)) => Ok(Self::Group(TopicName::new(topic)?, GroupName::new(group)?)),
            None => Ok(Self::Queue(QueueName::new(text)?)),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Channel;

    #[test]
    fn each_kind_survives_its_text() {
        let guid = crate::Guid::private();
        for text in ["greeter.v1", "links.visited/audit", &format!("_inst.{guid}")] {
            assert_eq!(text.parse::<Channel>().unwrap().to_string(), text);
        }
        for text in ["", "_inst.x", "_inbox.1", "a/b/c", "a/", "/b"] {
            assert!(text.parse::<Channel>().is_err(), "{text}");
        }
    }
}
