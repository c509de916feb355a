//! What a channel's tubes are called.

use skyloom_core::{Channel, Guid, TopicName};

/// The names of tubes: the prefix, a dot, and the channel's own name. What belongs to a channel and is no channel
/// ends with a word after a `+`, which no name contains.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

const DEAD: &str = "+dead";
const GROUP: &str = "+group";
const INBOX: &str = "_inbox.";
const WAKE: &str = "_wake.";

/// What a tube is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Holds a channel's work.
    Work(Channel),
    /// Holds replies.
    Inbox,
    /// Ends a wait.
    Wake,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: format!("{prefix}.") }
    }

    /// Holds a channel's work.
    pub(super) fn work(&self, channel: &Channel) -> String {
        format!("{}{channel}", self.prefix)
    }

    /// Holds a channel's dead letters.
    pub(super) fn dead(&self, channel: &Channel) -> String {
        format!("{}{channel}{DEAD}", self.prefix)
    }

    /// Holds one job for as long as a group that outlives its consumers exists.
    pub(super) fn marker(&self, group: &Channel) -> String {
        format!("{}{group}{GROUP}", self.prefix)
    }

    /// Holds a client's replies.
    pub(super) fn inbox(&self, inbox: Guid) -> String {
        format!("{}{INBOX}{inbox}", self.prefix)
    }

    /// A tube that is watched only so that a wait can be ended by a job in it.
    pub(super) fn wake(&self) -> String {
        format!("{}{WAKE}{}", self.prefix, Guid::private())
    }

    /// What a tube is for, if it is one of ours and no mere companion of another.
    pub(super) fn role(&self, tube: &str) -> Option<Role> {
        let name = tube.strip_prefix(&self.prefix)?;
        if name.starts_with(INBOX) {
            return Some(Role::Inbox);
        }
        if name.starts_with(WAKE) {
            return Some(Role::Wake);
        }
        name.parse().ok().map(Role::Work)
    }

    /// The channel whose dead letters or whose marker a tube holds.
    pub(super) fn companion_of(&self, tube: &str) -> Option<Channel> {
        let name = tube.strip_prefix(&self.prefix)?;
        name.strip_suffix(DEAD).or_else(|| name.strip_suffix(GROUP))?.parse().ok()
    }

    /// The group, if a tube is the work of one of a topic's groups or marks one; and whether it marks it.
    pub(super) fn group_of(&self, topic: &TopicName, tube: &str) -> Option<(Channel, bool)> {
        let name = tube.strip_prefix(&self.prefix)?;
        let (name, marked) = name.strip_suffix(GROUP).map_or((name, false), |name| (name, true));
        let channel = name.parse().ok()?;
        matches!(&channel, Channel::Group(of, _) if of == topic).then_some((channel, marked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tubes_are_read_back() {
        let names = Names::new("sky");
        let guid = Guid::private();
        let topic = TopicName::from_static("a.b");
        for text in ["greeter.v1", "a.b/c", &format!("_inst.{guid}")] {
            let channel: Channel = text.parse().unwrap();
            assert_eq!(names.role(&names.work(&channel)), Some(Role::Work(channel.clone())));
            assert_eq!(names.role(&names.dead(&channel)), None);
            assert_eq!(names.companion_of(&names.dead(&channel)), Some(channel.clone()));
            assert_eq!(names.group_of(&topic, &names.work(&channel)).is_some(), text == "a.b/c");
            assert_eq!(
                names.group_of(&topic, &names.marker(&channel)).is_some_and(|(_, marked)| marked),
                text == "a.b/c"
            );
        }
        assert_eq!(names.role(&names.inbox(guid)), Some(Role::Inbox));
        assert_eq!(names.role(&names.wake()), Some(Role::Wake));
        assert_eq!(names.role("default"), None);
        assert_eq!(names.role("skyline.x"), None);
    }

    #[test]
    fn the_longest_name_fits() {
        let long = "x".repeat(64);
        let channel = format!("{long}/{long}").parse().unwrap();
        assert!(Names::new(&"p".repeat(32)).marker(&channel).len() <= 200);
    }
}
