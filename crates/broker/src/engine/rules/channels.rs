//! How channels come and go.

use skyloom_core::{Channel, broker::BrokerError};

use crate::engine::{
    Engine,
    state::{ChannelState, Due, Name, Time},
};

impl<M> Engine<M> {
    /// The channel of this name, which is made if it does not exist.
    pub(crate) fn make_channel(&mut self, name: Channel, ephemeral: bool) -> Result<u32, BrokerError> {
        if let Some(key) = self.names.get(&name) {
            return Ok(*key);
        }
        let limit = self.limits.channels;
        let full = || BrokerError::Full { what: "the broker".to_owned(), limit: format!("{limit} channels") };
        if self.names.len() >= limit {
            return Err(full());
        }
        let ephemeral = ephemeral || matches!(name, Channel::Instance(_));
        let key = self.add_channel(Name::Channel(name.clone()), ephemeral).ok_or_else(full)?;
        if let Channel::Group(topic, group) = &name {
            self.topics.entry(topic.clone()).or_default().push((group.clone(), key));
        }
        self.names.insert(name, key);
        Ok(key)
    }

    /// A channel that nobody finds by its name yet; none if the slots are used up.
    pub(crate) fn add_channel(&mut self, name: Name, ephemeral: bool) -> Option<u32> {
        let channel = ChannelState::new(name, self.next_serial, ephemeral, self.now);
        let key = self.channels.insert(channel).ok()?;
        self.next_serial += 1;
        self.list_tube(key);
        Some(key)
    }

    /// Notes that something in a channel may be deliverable at the end of the step.
    pub(crate) fn stir(&mut self, key: u32) {
        if self.stirred.last() != Some(&key) {
            self.stirred.push(key);
        }
    }

    /// Makes sure that a channel is looked at by this time.
    pub(crate) fn arm(&mut self, key: u32, at: Time) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if at < channel.wake {
            if channel.wake != Time::NEVER {
                self.timers.others.cancel();
            }
            channel.wake = at;
            self.timers.others.set(at, Due::Channel { slot: key, serial: channel.serial });
        }
    }

    /// After something has left a channel: lets it go if it is detached and empty, and begins to
    /// count its idle time if nobody needs it.
    pub(crate) fn tidy(&mut self, key: u32) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.is_attended() {
            return;
        }
        if channel.detached || channel.tube.transient {
            if channel.messages() == 0 {
                self.forget(key);
            }
        } else if channel.is_idle(self.now) && !channel.ephemeral {
            channel.idle_since = self.now;
            self.arm(key, self.now.after(self.limits.channel_idle));
        }
    }

    /// Takes a channel's name from it, so that nothing more comes in.
    pub(crate) fn unname(&mut self, key: u32) {
        let Some(channel) = self.channels.get_mut(key).filter(|channel| !channel.detached) else { return };
        channel.detached = true;
        match &channel.name {
            Name::Channel(name) => {
                self.names.remove(name);
                if let Channel::Group(topic, _) = name
                    && let Some(groups) = self.topics.get_mut(topic)
                {
                    groups.retain(|(_, group)| *group != key);
                    if groups.is_empty() {
                        self.topics.remove(topic);
                    }
                }
            }
            Name::Tube(name) => {
                if let Some(jobs) = &mut self.jobs {
                    jobs.foreign.remove(name);
                }
            }
        }
        self.unlist_tube(key);
    }

    /// Forgets a channel that holds nothing.
    pub(crate) fn forget(&mut self, key: u32) {
        self.unname(key);
        if let Some(channel) = self.channels.remove(key)
            && channel.wake != Time::NEVER
        {
            self.timers.others.cancel();
        }
    }
}
