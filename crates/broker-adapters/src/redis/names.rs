//! [`Names`]: how channels, inboxes and processes are called in Redis.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use skyloom_core::{Channel, Guid, TopicName};

/// Where something lies: the start of its keys, and their hash slot.
#[derive(Debug)]
pub(super) struct Place {
    /// All keys of a channel are this, a colon and a word.
    pub(super) base: String,
    /// All of them have the same hash tag and so lie in this slot.
    pub(super) slot: u16,
    /// A group's own name, and the hash that names all groups of its topic.
    pub(super) group: Option<(String, String)>,
    /// What the channel is called.
    pub(super) shown: String,
    /// The instance, if the channel is one's own: nothing is kept for one that does not run.
    pub(super) instance: Option<Guid>,
    /// It is known to be among the channels that an operator sees, or need not be.
    pub(super) is_listed: AtomicBool,
}

/// The key of an inbox.
pub(super) fn inbox_key(prefix: &str, inbox: Guid) -> String {
    format!("{prefix}:{{{inbox}}}:inbox")
}

/// Makes names, and remembers those of channels.
#[derive(Debug)]
pub(super) struct Names {
    prefix: String,
    places: Mutex<HashMap<Channel, Arc<Place>, foldhash::fast::RandomState>>,
}

/// So many places are remembered; a process that uses more makes some of them anew.
const REMEMBERED: usize = 10_000;

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), places: Mutex::default() }
    }

    /// Where a channel lies.
    pub(super) fn channel(&self, channel: &Channel) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(channel) {
            return Arc::clone(place);
        }
        if places.len() >= REMEMBERED {
            places.clear();
        }
        let place = Arc::new(self.place(channel));
        places.insert(channel.clone(), Arc::clone(&place));
        place
    }

    fn place(&self, channel: &Channel) -> Place {
        let prefix = &self.prefix;
        let mut instance = None;
        let (tag, rest, group) = match channel {
            Channel::Queue(name) => (name.to_string(), "queue".to_owned(), None),
            Channel::Instance(guid) => {
                instance = Some(*guid);
                (guid.to_string(), "instance".to_owned(), None)
            }
            Channel::Group(topic, group) => {
                let groups = format!("{prefix}:{{{topic}}}:groups");
                (topic.to_string(), format!("group:{group}"), Some((group.to_string(), groups)))
            }
        };
        Place {
            base: format!("{prefix}:{{{tag}}}:{rest}"),
            slot: slot_of(&tag),
            group,
            shown: channel.to_string(),
            is_listed: AtomicBool::new(instance.is_some()),
            instance,
        }
    }

    /// Where all groups of a topic lie. The base is the start of a group's.
    pub(super) fn topic(&self, topic: &TopicName) -> Place {
        let prefix = &self.prefix;
        Place {
            base: format!("{prefix}:{{{topic}}}:group:"),
            slot: slot_of(topic.as_str()),
            group: Some((String::new(), format!("{prefix}:{{{topic}}}:groups"))),
            shown: topic.to_string(),
            instance: None,
            is_listed: AtomicBool::new(true),
        }
    }

    /// Where an inbox lies: the base is its key.
    pub(super) fn inbox(&self, inbox: Guid) -> Place {
        let (tag, prefix) = (inbox.to_string(), &self.prefix);
        Place {
            base: inbox_key(prefix, inbox),
            slot: slot_of(&tag),
            group: None,
            shown: format!("_inbox.{tag}"),
            instance: None,
            is_listed: AtomicBool::new(true),
        }
    }

    /// Where the set of all channels lies: the base is its key.
    pub(super) fn channels(&self) -> Place {
        let base = format!("{}:channels", self.prefix);
        Place {
            slot: slot_of(&base),
            base,
            group: None,
            shown: "channels".to_owned(),
            instance: None,
            is_listed: AtomicBool::new(true),
        }
    }

    /// Where the registry lies.
    pub(super) fn registry(&self) -> Place {
        let base = format!("{}:{{registry}}", self.prefix);
        Place {
            slot: slot_of("registry"),
            base,
            group: None,
            shown: "registry".to_owned(),
            instance: None,
            is_listed: AtomicBool::new(true),
        }
    }

    /// The start of the names of the publish/subscribe channels on which processes are while they live.
    pub(super) fn alive(&self) -> String {
        format!("{}:alive:", self.prefix)
    }
}

/// The hash slot of a tag: CRC-16/XMODEM modulo 16384, as the Redis Cluster specification says.
fn slot_of(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0u16, |crc, byte| {
        (0..8)
            .fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    });
    crc % SLOTS
}

/// How many slots a Redis Cluster has.
pub(super) const SLOTS: u16 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot_of("123456789"), 0x31c3);
        assert_eq!(slot_of("foo"), 12_182);
    }

    #[test]
    fn all_keys_of_a_topic_lie_in_one_slot() {
        let names = Names::new("skyloom");
        let group = names.channel(&"links.visited/audit".parse().unwrap());
        let topic = names.topic(&TopicName::new("links.visited").unwrap());
        assert_eq!(group.base, format!("{}audit", topic.base));
        assert_eq!((group.slot, group.base.as_str()), (topic.slot, "skyloom:{links.visited}:group:audit"));
        let queue = names.channel(&"greeter.v1".parse().unwrap());
        assert_eq!(queue.base, "skyloom:{greeter.v1}:queue");
        assert!(Arc::ptr_eq(&queue, &names.channel(&"greeter.v1".parse().unwrap())));
    }
}
