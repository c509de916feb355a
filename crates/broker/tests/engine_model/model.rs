//! What the model remembers, and what may happen to it.

use std::collections::BTreeMap;

use crate::{
    event::Event,
    transition::{Label, Transition, Where},
};

pub(crate) const CHANNEL_MESSAGES: usize = 6;
pub(crate) const CHANNEL_BYTES: usize = 14;
pub(crate) const TOTAL_BYTES: usize = 40;
pub(crate) const MESSAGE_BYTES: usize = 5;
pub(crate) const CREDIT: u32 = 3;
pub(crate) const MAX_ATTEMPTS: u32 = 3;
/// A message that so many workers have been lost with is a suspect.
pub(crate) const SUSPECT: u32 = 2;
/// In milliseconds, as all times of the model.
pub(crate) const GRACE: u64 = 300;
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// None: it is detached.
    pub(crate) name: Option<Where>,
    pub(crate) instance: bool,
    pub(crate) ephemeral: bool,
    pub(crate) paused_until: u64,
    /// Consumers that may be handed a message, the next one first.
    pub(crate) rotation: Vec<usize>,
    /// When it vanishes if nobody has consumed it after a restart.
    pub(crate) lingers_until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Waiting,
    Delayed(u64),
    Leased { holder: usize, label: Label, number: u64, deadline: u64, once: bool, streams: bool },
    Dead,
    Gone,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: u32,
    pub(crate) channel: usize,
    pub(crate) priority: u32,
    pub(crate) size: usize,
    pub(crate) attempts: u32,
    /// Attempts in a row after which nothing was heard of the worker.
    pub(crate) losses: u32,
    /// When it became a dead letter whose caller was told, among all of them.
    pub(crate) told: Option<u64>,
    pub(crate) expires: u64,
    pub(crate) reply_to: Option<u8>,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) conn: Option<u64>,
    pub(crate) session: u8,
    pub(crate) id: u32,
    pub(crate) channel: usize,
    pub(crate) credit: u32,
    pub(crate) lease: u64,
    pub(crate) active: bool,
    /// A lease of it has run out, and its connection has not been heard since.
    pub(crate) hung: bool,
    pub(crate) gone: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    pub(crate) session: u8,
    pub(crate) conn: Option<u64>,
    pub(crate) expires: u64,
    /// Events with a connection that is not known yet.
    pub(crate) backlog: Vec<Event>,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) next_conn: u64,
    pub(crate) next_id: u32,
    /// Connections and their sessions.
    pub(crate) conns: BTreeMap<u64, u8>,
    /// When a session that has not come back after a restart is given up.
    pub(crate) absent: BTreeMap<u8, u64>,
    pub(crate) channels: Vec<Channel>,
    /// The channels of the topic's groups in the order in which they get an event.
    pub(crate) groups: Vec<usize>,
    pub(crate) consumers: Vec<Consumer>,
    /// In the order in which they came.
    pub(crate) messages: Vec<Message>,
    pub(crate) inboxes: BTreeMap<u8, Inbox>,
    pub(crate) lost_replies: u64,
    /// How many leases each consumer of a connection was ever granted.
    pub(crate) granted: BTreeMap<(u64, u32), usize>,
    pub(crate) next_lease: u64,
    pub(crate) next_told: u64,
    /// What was said in the last step.
    pub(crate) said: Vec<Event>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            now: 0,
            next_conn: 1,
            next_id: 1,
            conns: BTreeMap::new(),
            absent: BTreeMap::new(),
            channels: Vec::new(),
            groups: Vec::new(),
            consumers: Vec::new(),
            messages: Vec::new(),
            inboxes: BTreeMap::new(),
            lost_replies: 0,
            granted: BTreeMap::new(),
            next_lease: 1,
            next_told: 1,
            said: Vec::new(),
        }
    }

    /// What cannot happen, because the driver does not do it or engine and model would name it
    /// differently.
    pub(crate) fn allows(&self, transition: &Transition) -> bool {
        match transition {
            // A pause ends with a tick; a late one ends it later.
            Transition::Lag(time) => {
                let paused = |channel: &Channel| channel.paused_until > self.now;
                let ends = |channel: &Channel| channel.paused_until <= self.now + time;
                !self.channels.iter().any(|channel| paused(channel) && ends(channel))
            }
            // When a failing run is shortened, its leases may not come about any more.
            Transition::Settle { label, .. }
            | Transition::Partial { label, .. }
            | Transition::Extend { label, .. }
            | Transition::Once { label, .. } => {
                self.granted.get(&(label.conn, label.consumer)).is_some_and(|granted| *granted > label.nth)
            }
            _ => true,
        }
    }

    pub(crate) fn named(&self, name: Where) -> Option<usize> {
        self.channels.iter().position(|channel| channel.name == Some(name))
    }

    pub(crate) fn active_consumers(&self, channel: usize) -> usize {
        self.consumers.iter().filter(|consumer| consumer.active && consumer.channel == channel).count()
    }

    pub(crate) fn held(&self, consumer: usize) -> Vec<usize> {
        let holds = |message: &Message| matches!(message.place, Place::Leased { holder, .. } if holder == consumer);
        (0..self.messages.len()).filter(|index| holds(&self.messages[*index])).collect()
    }

    /// Whether a consumer holds something that does not stream its answer.
    pub(crate) fn is_busy(&self, consumer: usize) -> bool {
        let streams = |index: &usize| matches!(self.messages[*index].place, Place::Leased { streams: true, .. });
        !self.held(consumer).iter().all(streams)
    }

    /// Whether a channel's consumers get one message at a time, besides what streams.
    pub(crate) fn is_wary(&self, channel: usize) -> bool {
        self.messages.iter().any(|message| message.channel == channel && message.losses >= SUSPECT)
    }

    /// Messages of a channel, or of all, that are somewhere.
    pub(crate) fn present(&self, channel: Option<usize>) -> impl Iterator<Item = &Message> {
        let there = move |message: &&Message| {
            message.place != Place::Gone && channel.is_none_or(|channel| channel == message.channel)
        };
        self.messages.iter().filter(there)
    }

    pub(crate) fn bytes(&self, channel: Option<usize>) -> usize {
        self.present(channel).map(|message| message.size).sum()
    }

    /// The message under this lease, if the connection holds it.
    pub(crate) fn leased(&self, conn: u64, label: Label) -> Option<usize> {
        self.messages.iter().position(|message| match message.place {
            Place::Leased { holder, label: other, .. } => other == label && self.consumers[holder].conn == Some(conn),
            _ => false,
        })
    }
}
