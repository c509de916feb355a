//! Taking up where another engine stopped.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use skyloom_core::{Guid, broker::Lease};

use super::kept::{Exported, KeptChannel, KeptConsumer, KeptInbox, KeptLease, KeptMessage, KeptPlace};
use crate::engine::{
    ConsumerId, Engine, Limits,
    state::{ConsumerState, Dead, Due, Held, InboxState, Leases, Name, Registered, Stored, Time},
};

/// Leases in higher slots than this are not taken up; their messages wait again. A damaged file
/// must not make the engine reserve memory for slots that were never used.
const LEASE_SLOTS: u32 = 1 << 24;

impl<M> Engine<M> {
    /// An engine with everything that another has exported, under these limits. They bound what
    /// comes; what was there already is kept.
    #[must_use]
    pub fn import(limits: Limits, now: Duration, exported: Exported<M>) -> Self {
        let mut engine = Self::new(limits);
        engine.now = Time::from(now);
        engine.next_seq = exported.next_seq;
        engine.next_dead = exported.next_dead;
        engine.lost_replies = exported.lost_replies;
        let consumers: Vec<Option<u32>> =
            exported.consumers.into_iter().map(|consumer| engine.import_consumer(&consumer)).collect();
        let mut leases = BTreeMap::new();
        for channel in exported.channels {
            engine.import_channel(channel, &consumers, &mut leases);
        }
        let next_lease = leases.values().map(|held: &Held| held.number + 1).fold(exported.next_lease, u64::max);
        engine.leases = Leases::new(leases.into_iter().collect(), next_lease);
        if !exported.jobs.is_empty() {
            engine.keep_jobs(&exported.jobs);
        }
        for inbox in exported.inboxes {
            engine.import_inbox(inbox);
        }
        let idle = limits.contract_idle;
        let left: BTreeMap<String, Duration> = exported.forgotten_after.into_iter().collect();
        for contract in exported.contracts {
            engine.directory.registrations += 1;
            let until = engine.now.after(left.get(&contract.name).copied().unwrap_or(idle));
            engine.directory.remember(contract, until);
        }
        for (session, instance) in exported.instances {
            let registered = Registered { instance: Arc::clone(&instance), session, conn: None, up: true };
            engine.directory.enter(registered, engine.now.after(idle));
            engine.expect(session);
        }
        engine.time_contracts();
        engine
    }

    /// Gives a session its time to come back.
    fn expect(&mut self, session: Guid) -> &mut Vec<u32> {
        let (timers, until) = (&mut self.timers, self.now.after(self.limits.inbox_grace));
        self.absent.entry(session).or_insert_with(|| {
            timers.others.set(until, Due::Session(session));
            Vec::new()
        })
    }

    fn import_consumer(&mut self, kept: &KeptConsumer) -> Option<u32> {
        let consumer = ConsumerState {
            conn: None,
            session: kept.session,
            id: ConsumerId(kept.id),
            channel: 0,
            options: kept.options(),
            held: Vec::new(),
            streams: 0,
            active: false,
            queued: false,
            pulls: false,
            hung: false,
        };
        let key = self.consumers.insert(consumer).ok()?;
        self.expect(kept.session).push(key);
        Some(key)
    }

    fn import_channel(&mut self, kept: KeptChannel<M>, consumers: &[Option<u32>], leases: &mut BTreeMap<u32, Held>) {
        let most = std::mem::replace(&mut self.limits.channels, usize::MAX);
        let made = match kept.name {
            Name::Channel(name) => self.make_channel(name, kept.ephemeral).ok(),
            Name::Tube(name) => self.make_tube(&name),
        };
        self.limits.channels = most;
        let Some(key) = made else { return };
        let until = kept.paused.map_or(Time::NEVER, |left| self.now.after(left));
        if let Some(channel) = self.channels.get_mut(key) {
            channel.paused_until = until;
            channel.counters = kept.counters;
        }
        for message in kept.messages {
            self.import_message(key, message, consumers, leases);
        }
        if kept.detached {
            self.unname(key);
        }
        // The first tick decides what else is due in it.
        self.arm(key, self.now);
    }

    fn import_message(
        &mut self,
        key: u32,
        kept: KeptMessage<M>,
        consumers: &[Option<u32>],
        leases: &mut BTreeMap<u32, Held>,
    ) {
        let stored = Stored {
            body: kept.body,
            seq: kept.seq,
            enqueued: self.now.before(kept.age),
            expires: kept.time_to_live.map_or(Time::NEVER, |left| self.now.after(left)),
            id: kept.id,
            reply_to: kept.reply_to,
            priority: kept.priority,
            channel: key,
            size: kept.size,
            attempts: kept.attempts,
            // Its workers come back one after the other, and it may be none of theirs.
            losses: 0,
        };
        self.next_seq = self.next_seq.max(kept.seq.saturating_add(1));
        let Ok(slot) = self.messages.insert(stored) else { return };
        self.bytes += kept.size as usize;
        let now = self.now;
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.bytes += kept.size as usize;
        match kept.place {
            KeptPlace::Delayed { left } => {
                self.hold_back(slot, left.map_or(Time::NEVER, |left| now.after(left)));
            }
            KeptPlace::Dead { number, reason, age, told } => {
                self.next_dead = self.next_dead.max(number.saturating_add(1));
                channel.dead.insert(number, Dead { message: slot, reason, died: now.before(age), told });
            }
            KeptPlace::Leased(lease) if self.import_lease(slot, &lease, consumers, leases) => {}
            KeptPlace::Leased(_) | KeptPlace::Waiting => self.wait(slot),
        }
    }

    /// Takes a lease up. Returns whether that was possible.
    fn import_lease(
        &mut self,
        message: u32,
        kept: &KeptLease,
        consumers: &[Option<u32>],
        leases: &mut BTreeMap<u32, Held>,
    ) -> bool {
        let Some(key) = consumers.get(kept.consumer).copied().flatten() else { return false };
        let Some(consumer) = self.consumers.get_mut(key) else { return false };
        if kept.slot > LEASE_SLOTS || leases.contains_key(&kept.slot) {
            return false;
        }
        let deadline = kept.left.map_or(Time::NEVER, |left| self.now.after(left));
        let position = u32::try_from(consumer.held.len()).unwrap_or(u32::MAX);
        consumer.held.push(kept.slot);
        consumer.streams += usize::from(kept.streams);
        let (number, once, streams) = (kept.number, kept.once, kept.streams);
        leases.insert(kept.slot, Held { number, deadline, message, consumer: key, position, once, streams });
        self.timers.set_lease(deadline, Lease { slot: kept.slot, number });
        if let Some(channel) = self.messages.get(message).map(|message| message.channel)
            && let Some(channel) = self.channels.get_mut(channel)
        {
            channel.leased += 1;
        }
        true
    }

    fn import_inbox(&mut self, kept: KeptInbox<M>) {
        let expires = self.now.after(self.limits.inbox_grace);
        let backlog = kept.backlog.into_iter().map(Into::into).collect();
        self.inboxes.insert(kept.id, InboxState { session: kept.session, conn: None, backlog, bytes: 0, expires });
        self.timers.others.set(expires, Due::Inbox(kept.id));
    }
}
