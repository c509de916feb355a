//! A queue, a group's share of a topic, or an instance's channel.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use skyloom_core::{Channel, broker::Depth};

use super::{Letters, Name, Place, Stored, Time, TubeState, Waiting};
use crate::engine::limits::PURGE_TURN;

/// What has happened in a channel since the broker started.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counters {
    pub(crate) enqueued: u64,
    pub(crate) settled: u64,
    pub(crate) redelivered: u64,
    pub(crate) expired: u64,
}

/// A channel with indexes of its messages' slots: each message is in exactly one of `waiting`,
/// `delayed`, `dead`, or under one of the `leased` leases.
#[derive(Debug)]
pub(crate) struct ChannelState {
    pub(crate) name: Name,
    /// Unique in the engine's life.
    pub(crate) serial: u64,
    pub(crate) waiting: Waiting,
    /// By the end of the delay, then the order of arrival.
    pub(crate) delayed: BTreeMap<(Time, u64), u32>,
    pub(crate) dead: Letters,
    pub(crate) leased: usize,
    /// How many of those that are waiting, delayed or leased may be what their workers have died of.
    pub(crate) suspects: u32,
    pub(crate) bytes: usize,
    /// The active consumers.
    pub(crate) consumers: Vec<u32>,
    /// Those of them that may be handed a message, in rotation.
    pub(crate) rotation: VecDeque<u32>,
    /// It vanishes with its last consumer.
    pub(crate) ephemeral: bool,
    /// It has no name any more and goes when its last lease ends.
    pub(crate) detached: bool,
    pub(crate) paused_until: Time,
    pub(crate) counters: Counters,
    /// Its earliest timer; `NEVER` if it has none.
    pub(crate) wake: Time,
    /// Since when nobody has needed it; an ephemeral one: since when it exists, for only after a
    /// planned restart can it be without a consumer.
    pub(crate) idle_since: Time,
    /// No waiting message expires before this.
    pub(crate) next_expiry: Time,
    /// How far a search for expired messages has come, and the next expiry among those it passed.
    pub(crate) search: Option<(Place, Time)>,
    /// A search that takes several turns does not start before this.
    pub(crate) rest_until: Time,
    pub(crate) tube: TubeState,
}

impl ChannelState {
    pub(crate) fn new(name: Name, serial: u64, ephemeral: bool, now: Time) -> Self {
        Self {
            name,
            serial,
            waiting: Waiting::default(),
            delayed: BTreeMap::new(),
            dead: Letters::default(),
            leased: 0,
            suspects: 0,
            bytes: 0,
            consumers: Vec::new(),
            rotation: VecDeque::new(),
            ephemeral,
            detached: false,
            paused_until: Time::START,
            counters: Counters::default(),
            wake: Time::NEVER,
            idle_since: now,
            next_expiry: Time::NEVER,
            search: None,
            rest_until: Time::START,
            tube: TubeState::default(),
        }
    }

    /// Messages in whatever state.
    pub(crate) fn messages(&self) -> usize {
        self.waiting.len() + self.delayed.len() + self.dead.len() + self.leased
    }

    /// Whether a message that waits would be handed out at once.
    pub(crate) fn is_eager(&self, now: Time) -> bool {
        (!self.rotation.is_empty() || !self.tube.waiters.is_empty()) && self.paused_until <= now
    }

    /// Whether its consumers get one message at a time, so that none is lost for what another does to its worker.
    pub(crate) const fn is_wary(&self) -> bool {
        self.suspects > 0
    }

    /// Puts a message in its place. Returns whether the next expiry has come nearer.
    pub(crate) fn wait<M>(&mut self, slot: u32, message: &Stored<M>) -> bool {
        self.waiting.insert((message.priority, message.seq), slot);
        let nearer = message.expires < self.next_expiry;
        if nearer {
            self.next_expiry = message.expires;
        }
        nearer
    }

    /// Whether somebody is at it.
    pub(crate) fn is_attended(&self) -> bool {
        !self.consumers.is_empty() || self.tube.is_attended()
    }

    /// Whether nobody would miss it: nothing in it, nobody at it. A group that is not ephemeral is
    /// a subscription, which is kept until somebody ends it.
    pub(crate) fn is_idle(&self, now: Time) -> bool {
        !self.is_attended()
            && self.messages() == 0
            && self.paused_until <= now
            && !matches!(self.name, Name::Channel(Channel::Group(..)))
    }

    /// When time will next change something in it.
    pub(crate) fn next_timer(&self, now: Time, idle: Duration) -> Time {
        let delay = self.delayed.first_key_value().map_or(Time::NEVER, |((until, _), _)| *until);
        let pause = if self.paused_until > now { self.paused_until } else { Time::NEVER };
        let expiry = match self.search {
            Some(_) => now.after(PURGE_TURN),
            None => self.next_expiry.max(self.rest_until),
        };
        let idle = match !self.is_attended() && (self.ephemeral || self.is_idle(now)) {
            true => self.idle_since.after(idle),
            false => Time::NEVER,
        };
        delay.min(pause).min(expiry).min(idle)
    }

    pub(crate) fn depth(&self) -> Depth {
        Depth {
            ready: self.waiting.len() as u64,
            delayed: self.delayed.len() as u64,
            leased: self.leased as u64,
            dead: self.dead.len() as u64,
            consumers: self.consumers.len() as u64 + u64::from(self.tube.watching),
        }
    }
}
