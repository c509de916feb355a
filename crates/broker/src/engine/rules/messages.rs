//! What becomes of a message that is in the hands of a rule, that is, in none of its channel's
//! indexes.

use skyloom_core::{Channel, Guid, broker::BrokerError};

use crate::engine::{
    Engine, Message, Output,
    limits::REASON_BYTES,
    state::{Dead, JobPlace, Name, Stored, Time},
};

impl<M> Engine<M> {
    /// Takes a new message in. The bounds have been checked; none if the slots are used up.
    #[inline]
    pub(crate) fn store(&mut self, key: u32, message: Message<M>) -> Option<u32> {
        let channel = self.channels.get_mut(key)?;
        let expires = message.time_to_live.map_or(Time::NEVER, |time| self.now.after(time));
        let stored = Stored {
            body: message.body,
            seq: self.next_seq,
            enqueued: self.now,
            expires,
            id: message.id,
            reply_to: message.reply_to,
            priority: message.priority,
            channel: key,
            size: u32::try_from(message.size).ok()?,
            attempts: 0,
            losses: 0,
        };
        let slot = self.messages.insert(stored).ok()?;
        self.next_seq += 1;
        channel.bytes += message.size;
        channel.counters.enqueued += 1;
        self.bytes += message.size;
        self.number_job(slot);
        Some(slot)
    }

    /// Lets it wait in its place.
    pub(crate) fn wait(&mut self, slot: u32) {
        let Some(message) = self.messages.get(slot) else { return };
        let key = message.channel;
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.wait(slot, message) {
            let at = channel.next_expiry.max(channel.rest_until);
            self.arm(key, at);
        }
        self.stir(key);
        self.mark_job(slot, JobPlace::Ready);
    }

    /// Holds it back, though not beyond its time to live.
    pub(crate) fn hold_back(&mut self, slot: u32, until: Time) {
        let Some(message) = self.messages.get(slot) else { return };
        let (key, until) = (message.channel, until.min(message.expires));
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.delayed.insert((until, message.seq), slot);
        self.arm(key, until);
        self.mark_job(slot, JobPlace::Delayed(until));
    }

    /// Lets it go.
    #[inline]
    pub(crate) fn discard(&mut self, slot: u32) -> Option<Stored<M>> {
        self.strike_job(slot);
        let message = self.messages.remove(slot)?;
        if message.is_suspect() {
            self.count_off(message.channel);
        }
        let size = message.size as usize;
        self.bytes = self.bytes.saturating_sub(size);
        if let Some(channel) = self.channels.get_mut(message.channel) {
            channel.bytes = channel.bytes.saturating_sub(size);
            self.tidy(message.channel);
        }
        Some(message)
    }

    /// Lets it go because its time has run out.
    pub(crate) fn expire(&mut self, slot: u32, out: &mut Vec<Output<M>>) {
        let Some(message) = self.messages.get(slot) else { return };
        if let Some(channel) = self.channels.get_mut(message.channel) {
            channel.counters.expired += 1;
        }
        let error = BrokerError::expired_after(message.attempts);
        self.give_up(slot, error, out);
    }

    /// Lets it go because its channel is going.
    pub(crate) fn abandon(&mut self, slot: u32, out: &mut Vec<Output<M>>) {
        let Some(message) = self.messages.get(slot) else { return };
        let name = self.channels.get(message.channel).map(|channel| &channel.name);
        let title = || name.map_or_else(String::new, Name::title);
        let error = match (message.attempts, name) {
            (0, Some(Name::Channel(Channel::Instance(instance)))) => BrokerError::Gone { instance: *instance },
            (0, _) => BrokerError::unavailable(format!("nobody consumes {} any more", title())),
            _ => BrokerError::lost(format!("its last attempt failed and nobody consumes {} any more", title())),
        };
        self.give_up(slot, error, out);
    }

    /// Makes it a dead letter, and tells its inbox `error`. In a channel that is going, it goes.
    pub(crate) fn bury(&mut self, slot: u32, reason: &str, error: BrokerError, out: &mut Vec<Output<M>>) {
        self.acquit(slot);
        let Some(message) = self.messages.get_mut(slot) else { return };
        let Some(channel) = self.channels.get_mut(message.channel) else { return };
        if channel.detached {
            self.give_up(slot, error, out);
            return;
        }
        let (inbox, call): (_, Guid) = (message.reply_to.take(), message.id);
        message.expires = Time::NEVER;
        let dead = Dead { message: slot, reason: shortened(reason).into(), died: self.now, told: inbox.is_some() };
        channel.dead.insert(self.next_dead, dead);
        self.mark_job(slot, JobPlace::Buried(self.next_dead));
        self.next_dead += 1;
        self.refuse(inbox, call, error, out);
    }

    fn give_up(&mut self, slot: u32, error: BrokerError, out: &mut Vec<Output<M>>) {
        if let Some(message) = self.discard(slot) {
            self.refuse(message.reply_to, message.id, error, out);
        }
    }
}

/// As much of a reason as is kept.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_BYTES)]
}
