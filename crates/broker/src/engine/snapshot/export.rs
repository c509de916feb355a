//! Writing an engine down.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::kept::{Exported, KeptChannel, KeptConsumer, KeptInbox, KeptLease, KeptMessage, KeptPlace};
use crate::engine::{
    Engine,
    state::{ChannelState, Time},
};

impl<M: Clone> Engine<M> {
    /// Everything that a planned restart must keep: messages with their leases, dead letters,
    /// groups, inboxes with what waits for them, instances and contracts. What a connection holds
    /// is kept for its session, which has `inbox_grace` to come back to the next engine.
    #[must_use]
    pub fn export(&self, now: Duration) -> Exported<M> {
        let now = self.now.max(Time::from(now));
        let mut consumers = Vec::new();
        let mut places = BTreeMap::new();
        for (key, consumer) in self.consumers.iter().filter(|(_, consumer)| !consumer.held.is_empty()) {
            places.insert(key, consumers.len());
            consumers.push(KeptConsumer {
                session: consumer.session,
                id: consumer.id.0,
                credit: consumer.options.credit,
                lease: consumer.options.lease,
                max_attempts: consumer.options.max_attempts,
                ephemeral: consumer.options.ephemeral,
            });
        }
        Exported {
            channels: self.export_channels(now, &places),
            consumers,
            inboxes: self.export_inboxes(),
            instances: self
                .directory
                .instances
                .values()
                .map(|registered| (registered.session, Arc::clone(&registered.instance)))
                .collect(),
            contracts: self.export_contracts(),
            forgotten_after: self
                .directory
                .contracts
                .iter()
                .filter_map(|(name, known)| Some((name.clone(), known.until.left(now)?)))
                .collect(),
            next_lease: self.leases.next_number(),
            next_seq: self.next_seq,
            next_dead: self.next_dead,
            lost_replies: self.lost_replies,
            jobs: self.jobs.as_ref().map_or_else(Vec::new, |jobs| jobs.facts()),
        }
    }

    fn export_channels(&self, now: Time, consumers: &BTreeMap<u32, usize>) -> Vec<KeptChannel<M>> {
        let mut leased: BTreeMap<u32, Vec<KeptMessage<M>>> = BTreeMap::new();
        for (slot, held) in self.leases.iter() {
            let Some(channel) = self.messages.get(held.message).map(|message| message.channel) else { continue };
            let place = match consumers.get(&held.consumer) {
                Some(consumer) => KeptPlace::Leased(KeptLease {
                    slot,
                    number: held.number,
                    consumer: *consumer,
                    left: held.deadline.left(now),
                    once: held.once,
                    streams: held.streams,
                }),
                None => KeptPlace::Waiting,
            };
            leased.entry(channel).or_default().extend(self.export_message(now, held.message, place));
        }
        let mut kept: Vec<KeptChannel<M>> = self
            .channels
            .iter()
            .map(|(key, channel)| KeptChannel {
                name: channel.name.clone(),
                ephemeral: channel.ephemeral,
                detached: channel.detached,
                paused: channel.paused_until.left(now),
                counters: channel.counters,
                messages: self.export_messages(now, channel, leased.remove(&key).unwrap_or_default()),
            })
            .collect();
        // A detached channel comes before the one that has its name now.
        kept.sort_by(|one, other| (&one.name, !one.detached).cmp(&(&other.name, !other.detached)));
        kept
    }

    fn export_messages(&self, now: Time, channel: &ChannelState, leased: Vec<KeptMessage<M>>) -> Vec<KeptMessage<M>> {
        let waiting = channel.waiting.slots().map(|slot| (slot, KeptPlace::Waiting));
        let delayed =
            channel.delayed.iter().map(|((until, _), slot)| (*slot, KeptPlace::Delayed { left: until.left(now) }));
        let dead = channel.dead.iter().map(|(number, dead)| {
            let (reason, age) = (dead.reason.clone(), now.since(dead.died));
            (dead.message, KeptPlace::Dead { number, reason, age, told: dead.told })
        });
        let others = waiting.chain(delayed).chain(dead);
        others.filter_map(|(slot, place)| self.export_message(now, slot, place)).chain(leased).collect()
    }

    fn export_message(&self, now: Time, slot: u32, place: KeptPlace) -> Option<KeptMessage<M>> {
        let message = self.messages.get(slot)?;
        Some(KeptMessage {
            id: message.id,
            reply_to: message.reply_to,
            priority: message.priority,
            seq: message.seq,
            size: message.size,
            attempts: message.attempts,
            age: now.since(message.enqueued),
            time_to_live: message.expires.left(now),
            place,
            body: message.body.clone(),
        })
    }

    fn export_inboxes(&self) -> Vec<KeptInbox<M>> {
        let mut kept: Vec<KeptInbox<M>> = self
            .inboxes
            .iter()
            .map(|(id, inbox)| KeptInbox {
                id: *id,
                session: inbox.session,
                backlog: inbox.backlog.iter().cloned().map(Into::into).collect(),
            })
            .collect();
        kept.sort_unstable_by_key(|inbox| inbox.id);
        kept
    }

    /// The oldest first, so that they keep their order.
    fn export_contracts(&self) -> Vec<Arc<skyloom_core::contract::Contract>> {
        let mut known: Vec<_> = self.directory.contracts.values().collect();
        known.sort_by_key(|known| known.used);
        known.into_iter().map(|known| Arc::clone(&known.contract)).collect()
    }
}
