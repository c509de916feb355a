//! Messages that may be what their workers have died of. A handler that brings its process down takes with it whatever the
//! process was doing for others, and these would fail as often as it does. So once a message has been lost with its
//! workers for the second time, the consumers of its channel get one message at a time until it has been dealt with.

use crate::engine::{Engine, limits::SUSPECT_LOSSES};

impl<M> Engine<M> {
    /// Nothing is heard any more of a message's worker.
    pub(crate) fn suspect(&mut self, slot: u32) {
        let Some(message) = self.messages.get_mut(slot) else { return };
        message.losses = message.losses.saturating_add(1);
        if message.losses != SUSPECT_LOSSES {
            return;
        }
        let Some(channel) = self.channels.get_mut(message.channel) else { return };
        channel.suspects += 1;
        if channel.suspects == 1 {
            let consumers = &mut self.consumers;
            channel.rotation.retain(|key| {
                let Some(consumer) = consumers.get_mut(*key) else { return false };
                consumer.queued = consumer.has_credit(true);
                consumer.queued
            });
        }
    }

    /// A message is none that its worker has died of: the worker has said how the attempt ended, or there will be no more.
    pub(crate) fn acquit(&mut self, slot: u32) {
        let Some(message) = self.messages.get_mut(slot) else { return };
        let (suspect, channel) = (message.is_suspect(), message.channel);
        message.losses = 0;
        if suspect {
            self.count_off(channel);
        }
    }

    /// A channel has one suspect less. With the last one its consumers get as much as they have credit for again.
    pub(crate) fn count_off(&mut self, key: u32) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.suspects -= 1;
        if channel.suspects == 0 {
            let mut consumers = channel.consumers.clone();
            consumers.sort_by_key(|key| self.consumers.get(*key).map(|consumer| (consumer.conn, consumer.id)));
            consumers.into_iter().for_each(|key| self.queue_up(key));
        }
    }
}
