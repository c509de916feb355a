//! How messages come in.

use skyloom_core::{Channel, Guid, TopicName, broker::BrokerError};

use crate::engine::{Conn, Engine, Message, Output, Ticket};

impl<M: Clone> Engine<M> {
    /// Puts a message on a channel, or tells its sender and its inbox why not.
    pub(crate) fn enqueue(
        &mut self,
        conn: Conn,
        ticket: Ticket,
        channel: Channel,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) {
        let accepted = self.take_in(&channel, message, out);
        Self::done(conn, ticket, accepted, out);
    }

    /// Puts a message on a channel, or tells its inbox why not.
    #[inline]
    pub(crate) fn take_in(
        &mut self,
        channel: &Channel,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) -> Result<(), BrokerError> {
        let (call, inbox) = (message.id, message.reply_to);
        let accepted = self.open(channel, message.size, out).and_then(|key| self.accept(key, message, out));
        self.answer((call, inbox), accepted, out)
    }

    /// Puts a copy of an event on each group of a topic, or on none of them.
    pub(crate) fn publish(
        &mut self,
        conn: Conn,
        ticket: Ticket,
        topic: &TopicName,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) {
        let (call, inbox) = (message.id, message.reply_to);
        let accepted = self.publish_all(topic, message, out);
        let accepted = self.answer((call, inbox), accepted, out);
        Self::done(conn, ticket, accepted, out);
    }

    fn publish_all(
        &mut self,
        topic: &TopicName,
        message: Message<M>,
        out: &mut Vec<Output<M>>,
    ) -> Result<(), BrokerError> {
        let groups: Vec<u32> =
            self.topics.get(topic).map_or_else(Vec::new, |groups| groups.iter().map(|(_, key)| *key).collect());
        self.check_broker(message.size, groups.len())?;
        for key in &groups {
            self.check_channel(*key, message.size, out)?;
        }
        // An event has no reply, and several copies must not give several.
        let message = Message { reply_to: None, ..message };
        for key in groups {
            self.accept(key, message.clone(), out)?;
        }
        Ok(())
    }

    /// The channel for a message of this size, within all bounds. A queue is made if need be: its
    /// work waits for a worker that has not started yet.
    #[inline]
    fn open(&mut self, channel: &Channel, size: usize, out: &mut Vec<Output<M>>) -> Result<u32, BrokerError> {
        self.check_broker(size, 1)?;
        match (self.names.get(channel).copied(), channel) {
            (Some(key), _) => self.check_channel(key, size, out).map(|()| key),
            (None, Channel::Queue(_)) => {
                let key = self.make_channel(channel.clone(), false)?;
                self.check_channel(key, size, out).inspect_err(|_| self.tidy(key)).map(|()| key)
            }
            (None, Channel::Group(topic, group)) => {
                Err(BrokerError::refused(format!("no group {group} is subscribed to {topic}; consume the group first")))
            }
            (None, Channel::Instance(instance)) => Err(BrokerError::Gone { instance: *instance }),
        }
    }

    #[inline]
    fn accept(&mut self, key: u32, message: Message<M>, out: &mut Vec<Output<M>>) -> Result<(), BrokerError> {
        let delay = message.delay;
        let slot = self.store(key, message).ok_or_else(|| full("the broker", u32::MAX as usize, "messages"))?;
        if delay.is_zero() {
            self.place(key, slot, out);
        } else {
            self.hold_back(slot, self.now.after(delay));
        }
        Ok(())
    }

    #[inline]
    fn answer(
        &mut self,
        (call, inbox): (Guid, Option<Guid>),
        accepted: Result<(), BrokerError>,
        out: &mut Vec<Output<M>>,
    ) -> Result<(), BrokerError> {
        if let Err(error) = &accepted {
            self.refuse(inbox, call, error.clone(), out);
        }
        accepted
    }

    /// Whether the broker takes so many more messages of this size.
    #[inline]
    pub(crate) fn check_broker(&self, size: usize, copies: usize) -> Result<(), BrokerError> {
        let largest = self.limits.message_bytes.min(u32::MAX as usize);
        if size > largest {
            return Err(BrokerError::TooLarge { size, limit: largest });
        }
        if self.bytes.saturating_add(size.saturating_mul(copies)) > self.limits.total_bytes {
            return Err(full("the broker", self.limits.total_bytes, "bytes"));
        }
        if self.messages.len().saturating_add(copies) > u32::MAX as usize {
            return Err(full("the broker", u32::MAX as usize, "messages"));
        }
        Ok(())
    }

    /// Whether a channel takes one more message of this size, when what has expired in it is gone, and dead letters of
    /// calls whose callers know: a handler that fails must not close its queue for good.
    #[inline]
    pub(crate) fn check_channel(&mut self, key: u32, size: usize, out: &mut Vec<Output<M>>) -> Result<(), BrokerError> {
        let refused = self.channel_bound(key, size);
        if refused.is_ok() {
            return refused;
        }
        self.search_expired(key, out);
        let fits = size <= self.limits.channel_bytes;
        while let refused @ Err(_) = self.channel_bound(key, size) {
            let channel = self.channels.get_mut(key).filter(|_| fits);
            let Some(letter) = channel.and_then(|channel| channel.dead.pop_told()) else { return refused };
            self.discard(letter.message);
        }
        Ok(())
    }

    #[inline]
    fn channel_bound(&self, key: u32, size: usize) -> Result<(), BrokerError> {
        let Some(channel) = self.channels.get(key) else { return Ok(()) };
        if channel.messages() >= self.limits.channel_messages {
            return Err(full(&channel.name.title(), self.limits.channel_messages, "messages"));
        }
        if channel.bytes.saturating_add(size) > self.limits.channel_bytes {
            return Err(full(&channel.name.title(), self.limits.channel_bytes, "bytes"));
        }
        Ok(())
    }
}

fn full(what: &str, limit: usize, unit: &str) -> BrokerError {
    BrokerError::Full { what: what.to_owned(), limit: format!("{limit} {unit}") }
}
