//! What a channel is called.

use serde::{Deserialize, Serialize};
use skyloom_core::Channel;

use crate::engine::TubeName;

/// A channel of Skyloom, or a tube whose name is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Name {
    Channel(Channel),
    Tube(TubeName),
}

impl Name {
    /// What a tube's name means. An instance's channel and an inbox have rules of their own.
    pub(crate) fn of(tube: &TubeName) -> Self {
        match tube.as_str().parse() {
            Ok(channel @ (Channel::Queue(_) | Channel::Group(..))) => Self::Channel(channel),
            _ => Self::Tube(tube.clone()),
        }
    }

    /// The channel of Skyloom.
    pub(crate) const fn channel(&self) -> Option<&Channel> {
        match self {
            Self::Channel(channel) => Some(channel),
            Self::Tube(_) => None,
        }
    }

    /// As a tube, if it can be one: every name of a queue can.
    pub(crate) fn tube(&self) -> Option<TubeName> {
        match self {
            Self::Channel(Channel::Instance(_)) => None,
            Self::Channel(channel) => TubeName::new(channel.to_string().as_bytes()),
            Self::Tube(tube) => Some(tube.clone()),
        }
    }

    /// What people call it: `queue greeter.v1`.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Channel(Channel::Queue(name)) => format!("queue {name}"),
            Self::Channel(Channel::Group(topic, group)) => format!("group {topic}/{group}"),
            Self::Channel(Channel::Instance(guid)) => format!("instance {guid}"),
            Self::Tube(tube) => format!("tube {tube}"),
        }
    }
}
