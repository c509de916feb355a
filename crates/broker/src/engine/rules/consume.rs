//! How consumers come and go.

use skyloom_core::{
    Channel, GroupName, TopicName,
    broker::{BrokerError, ConsumeOptions},
};

use crate::engine::{
    Conn, ConsumerId, Engine, Output,
    state::{ChannelState, ConsumerState},
};

impl<M> Engine<M> {
    /// Starts consuming a channel, which is made if need be. A consumer that was stopped, or whose
    /// client has come back after a planned restart, begins anew with the leases it still holds.
    pub(crate) fn consume(
        &mut self,
        conn: Conn,
        id: ConsumerId,
        name: Channel,
        options: ConsumeOptions,
    ) -> Result<(), BrokerError> {
        self.check_consumer(conn, id, &name, &options)?;
        let channel = self.make_channel(name, options.ephemeral)?;
        let key = self.enlist(conn, id, channel, options).inspect_err(|_| self.tidy(channel))?;
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.consumers.push(key);
        }
        self.queue_up(key);
        Ok(())
    }

    /// No more deliveries to this consumer. What it holds stays leased.
    pub(crate) fn stop(&mut self, conn: Conn, id: ConsumerId, out: &mut Vec<Output<M>>) {
        let connection = self.connections.get(&conn);
        let Some(key) = connection.and_then(|connection| connection.consumers.get(&id)).copied() else { return };
        let left = self.deactivate(key);
        if self.consumers.get(key).is_some_and(ConsumerState::is_over) {
            self.forget_consumer(key);
        }
        if let Some(channel) = left {
            self.leave(channel, out);
        }
    }

    /// Removes a group and what waits in it.
    pub(crate) fn unsubscribe(&mut self, topic: TopicName, group: GroupName, out: &mut Vec<Output<M>>) {
        if let Some(key) = self.names.get(&Channel::Group(topic, group)) {
            self.detach(*key, out);
        }
    }

    /// Takes a consumer out of its channel, which is returned.
    pub(crate) fn deactivate(&mut self, key: u32) -> Option<u32> {
        let consumer = self.consumers.get_mut(key).filter(|consumer| consumer.active)?;
        consumer.active = false;
        let left = consumer.channel;
        self.step_aside(key);
        self.channels.get_mut(left)?.consumers.retain(|other| *other != key);
        Some(left)
    }

    /// After a consumer has left: an ephemeral channel vanishes with its last one.
    pub(crate) fn leave(&mut self, channel: u32, out: &mut Vec<Output<M>>) {
        let last = |state: &ChannelState| state.ephemeral && !state.is_attended();
        if self.channels.get(channel).is_some_and(last) {
            self.detach(channel, out);
        } else {
            self.tidy(channel);
        }
    }

    /// Makes a channel vanish with all that waits in it. It keeps its place, without a name, until
    /// what is leased is settled.
    pub(crate) fn detach(&mut self, key: u32, out: &mut Vec<Output<M>>) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        let waiting = std::mem::take(&mut channel.waiting);
        let delayed = std::mem::take(&mut channel.delayed).into_values();
        let dead = channel.dead.take().map(|dead| dead.message);
        let consumers = channel.consumers.clone();
        for consumer in consumers {
            self.deactivate(consumer);
            if self.consumers.get(consumer).is_some_and(ConsumerState::is_over) {
                self.forget_consumer(consumer);
            }
        }
        for slot in waiting.slots().chain(delayed).chain(dead) {
            self.abandon(slot, out);
        }
        self.unname(key);
        self.tidy(key);
    }

    /// The consumer's record, new or taken up again.
    fn enlist(
        &mut self,
        conn: Conn,
        id: ConsumerId,
        channel: u32,
        options: ConsumeOptions,
    ) -> Result<u32, BrokerError> {
        let refused = || BrokerError::refused("the broker has no room for another consumer");
        let connection = self.connections.get_mut(&conn).ok_or_else(refused)?;
        if let Some(key) = connection.consumers.get(&id)
            && let Some(consumer) = self.consumers.get_mut(*key)
        {
            (consumer.channel, consumer.options, consumer.active) = (channel, options, true);
            return Ok(*key);
        }
        let consumer = ConsumerState {
            conn: Some(conn),
            session: connection.session,
            id,
            channel,
            options,
            held: Vec::new(),
            streams: 0,
            active: true,
            queued: false,
            pulls: false,
            hung: false,
        };
        let key = self.consumers.insert(consumer).map_err(|_| refused())?;
        connection.consumers.insert(id, key);
        Ok(key)
    }

    fn check_consumer(
        &self,
        conn: Conn,
        id: ConsumerId,
        name: &Channel,
        options: &ConsumeOptions,
    ) -> Result<(), BrokerError> {
        let most = self.limits.credit;
        if options.credit == 0 || options.credit > most {
            let credit = options.credit;
            return Err(BrokerError::refused(format!("a consumer's credit is 1 to {most}, not {credit}")));
        }
        if options.lease.is_zero() {
            return Err(BrokerError::refused("a consumer's lease must last longer than no time at all"));
        }
        let Some(connection) = self.connections.get(&conn) else { return Ok(()) };
        match connection.consumers.get(&id).and_then(|key| self.consumers.get(*key)) {
            Some(consumer) if consumer.active => {
                let reason = format!("consumer {} is active; stop it first or choose another number", id.0);
                return Err(BrokerError::refused(reason));
            }
            None if connection.consumers.len() >= self.limits.consumers_per_connection => {
                let limit = format!("{} consumers", self.limits.consumers_per_connection);
                return Err(BrokerError::Full { what: "the connection".to_owned(), limit });
            }
            _ => {}
        }
        if let (Channel::Instance(guid), Some(key)) = (name, self.names.get(name))
            && let Some(channel) = self.channels.get(*key)
        {
            let mut others = channel.consumers.iter().filter_map(|key| self.consumers.get(*key));
            if others.any(|other| other.session != connection.session) {
                return Err(BrokerError::refused(format!("the channel of instance {guid} belongs to somebody else")));
            }
        }
        Ok(())
    }
}
