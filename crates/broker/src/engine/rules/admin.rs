//! An operator's questions and orders.

use std::time::Duration;

use skyloom_core::{
    Channel,
    broker::{BrokerError, ChannelStats, Depth},
};

use crate::engine::{
    AdminAnswer, AdminCommand, DeadMessage, Engine, LISTED, Output,
    state::{ChannelState, Dead},
};

/// How many different priorities are looked at to find the oldest waiting message of a channel.
const PRIORITIES: usize = 64;

impl<M: Clone> Engine<M> {
    /// Answers an operator; none if the order needs no other answer than that it was followed.
    pub(crate) fn admin(
        &mut self,
        command: AdminCommand,
        out: &mut Vec<Output<M>>,
    ) -> Result<Option<AdminAnswer<M>>, BrokerError> {
        Ok(Some(match command {
            AdminCommand::Channels => AdminAnswer::Channels(self.stats()),
            AdminCommand::Depth(name) => {
                AdminAnswer::Depth(self.named(&name).map_or_else(Depth::default, |(_, channel)| channel.depth()))
            }
            AdminCommand::Dead(name, limit) => AdminAnswer::Dead(self.dead(&name, limit)),
            AdminCommand::Kick(name, number, limit) => AdminAnswer::Count(self.kick(&name, number, limit)),
            AdminCommand::DropDead(name, number) => AdminAnswer::Count(self.drop_dead(&name, number)),
            AdminCommand::Pause(name, time) => return self.pause(&name, time).map(|()| None),
            AdminCommand::Peek(name, limit) => AdminAnswer::Peek(self.peek(&name, limit)),
            AdminCommand::Totals => AdminAnswer::Totals(self.totals()),
            AdminCommand::Forget(service) => AdminAnswer::Count(self.forget_contract(service, out)),
        }))
    }

    fn named(&self, name: &Channel) -> Option<(u32, &ChannelState)> {
        let key = *self.names.get(name)?;
        Some((key, self.channels.get(key)?))
    }

    fn stats(&self) -> Vec<ChannelStats> {
        let named = self.channels.iter().filter(|(_, channel)| !channel.detached);
        let mut stats: Vec<ChannelStats> = named
            .filter_map(|(_, channel)| Some((channel.name.channel()?, channel)))
            .map(|(name, channel)| ChannelStats {
                bytes: Some(channel.bytes as u64),
                enqueued: Some(channel.counters.enqueued),
                settled: Some(channel.counters.settled),
                redelivered: Some(channel.counters.redelivered),
                expired: Some(channel.counters.expired),
                oldest_ms: Some(u64::try_from(self.oldest(channel).as_millis()).unwrap_or(u64::MAX)),
                paused: channel.paused_until > self.now,
                ..ChannelStats::new(name.clone(), channel.depth())
            })
            .collect();
        stats.sort_unstable_by(|one, other| one.channel.cmp(&other.channel));
        stats
    }

    /// The age of the oldest waiting message: the first of a priority has waited longest in it.
    fn oldest(&self, channel: &ChannelState) -> Duration {
        let mut oldest = Duration::ZERO;
        let mut behind = None;
        for _ in 0..PRIORITIES {
            let Some(((priority, _), slot)) = channel.waiting.behind(behind).next() else { break };
            if let Some(message) = self.messages.get(slot) {
                oldest = oldest.max(self.now.since(message.enqueued));
            }
            behind = Some((priority, u64::MAX));
        }
        oldest
    }

    fn dead(&self, name: &Channel, limit: u32) -> Vec<DeadMessage<M>> {
        let Some((_, channel)) = self.named(name) else { return Vec::new() };
        let letter = |(number, dead): (u64, &Dead)| {
            let message = self.messages.get(dead.message)?;
            Some(DeadMessage {
                number,
                id: message.id,
                reason: dead.reason.to_string(),
                attempts: message.attempts,
                age: self.now.since(dead.died),
                body: message.body.clone(),
            })
        };
        channel.dead.iter().filter_map(letter).take(limit.min(LISTED) as usize).collect()
    }

    fn kick(&mut self, name: &Channel, number: Option<u64>, limit: u32) -> u64 {
        let kicked = self.take_dead(name, number, limit as usize);
        for slot in &kicked {
            if let Some(message) = self.messages.get_mut(*slot) {
                message.attempts = 0;
            }
            self.wait(*slot);
        }
        kicked.len() as u64
    }

    fn drop_dead(&mut self, name: &Channel, number: Option<u64>) -> u64 {
        let dropped = self.take_dead(name, number, usize::MAX);
        for slot in &dropped {
            self.discard(*slot);
        }
        dropped.len() as u64
    }

    /// Takes dead letters out of their index: one by number, or the oldest.
    fn take_dead(&mut self, name: &Channel, number: Option<u64>, limit: usize) -> Vec<u32> {
        let Some(key) = self.names.get(name).copied() else { return Vec::new() };
        let Some(channel) = self.channels.get_mut(key) else { return Vec::new() };
        match number {
            Some(number) => channel.dead.remove(number).map(|dead| dead.message).into_iter().collect(),
            None => {
                let dead = std::iter::from_fn(|| channel.dead.pop_first());
                dead.take(limit).map(|dead| dead.message).collect()
            }
        }
    }

    fn pause(&mut self, name: &Channel, time: Duration) -> Result<(), BrokerError> {
        let until = self.now.after(time);
        let key = self.names.get(name).copied();
        let channel = key.and_then(|key| self.channels.get_mut(key));
        let (Some(key), Some(channel)) = (key, channel) else {
            return Err(BrokerError::refused(format!("there is no channel {name}; list them to see their names")));
        };
        channel.paused_until = until;
        self.arm(key, until);
        self.stir(key);
        Ok(())
    }

    fn peek(&self, name: &Channel, limit: u32) -> Vec<M> {
        let Some((_, channel)) = self.named(name) else { return Vec::new() };
        let messages = channel.waiting.slots().filter_map(|slot| self.messages.get(slot));
        let alive = messages.filter(|message| message.expires > self.now);
        alive.take(limit.min(LISTED) as usize).map(|message| message.body.clone()).collect()
    }
}
