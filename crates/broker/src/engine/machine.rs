//! The engine's state as a whole.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use foldhash::fast::RandomState;
use skyloom_core::{Channel, GroupName, Guid, TopicName};

use super::{
    Conn, Limits, Totals,
    state::{
        ChannelState, Connection, ConsumerState, Directory, InboxState, Jobs, Leases, Stored, Table, Time, Timers,
    },
};

/// The embedded broker without its sockets: feed it with [`Engine::step`], do what it says, and
/// send a [`Tick`](super::Input::Tick) when [`Engine::next_wakeup`] comes.
///
/// The hash maps are seeded at random, but nothing that leaves the engine depends on their order.
#[derive(Debug)]
pub struct Engine<M> {
    pub(crate) limits: Limits,
    /// The moment of the present step.
    pub(crate) now: Time,
    pub(crate) connections: HashMap<Conn, Connection, RandomState>,
    /// The consumers of sessions that have not come back after a planned restart.
    pub(crate) absent: BTreeMap<Guid, Vec<u32>>,
    pub(crate) consumers: Table<ConsumerState>,
    pub(crate) names: HashMap<Channel, u32, RandomState>,
    pub(crate) channels: Table<ChannelState>,
    pub(crate) topics: HashMap<TopicName, Vec<(GroupName, u32)>, RandomState>,
    pub(crate) messages: Table<Stored<M>>,
    pub(crate) leases: Leases,
    pub(crate) inboxes: HashMap<Guid, InboxState<M>, RandomState>,
    pub(crate) directory: Directory,
    pub(crate) timers: Timers,
    /// None: nobody has spoken of jobs yet.
    pub(crate) jobs: Option<Box<Jobs>>,
    /// Channels in which something may be deliverable at the end of the step.
    pub(crate) stirred: Vec<u32>,
    pub(crate) bytes: usize,
    pub(crate) lost_replies: u64,
    pub(crate) next_seq: u64,
    pub(crate) next_serial: u64,
    pub(crate) next_dead: u64,
    /// How many bytes a reply has.
    pub(crate) weigh: fn(&M) -> usize,
}

impl<M> Engine<M> {
    /// An engine that holds nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            now: Time::START,
            connections: HashMap::default(),
            absent: BTreeMap::new(),
            consumers: Table::new(),
            names: HashMap::default(),
            channels: Table::new(),
            topics: HashMap::default(),
            messages: Table::new(),
            leases: Leases::new(Table::new(), 1),
            inboxes: HashMap::default(),
            directory: Directory::default(),
            timers: Timers::default(),
            jobs: None,
            stirred: Vec::new(),
            bytes: 0,
            lost_replies: 0,
            next_seq: 1,
            next_serial: 0,
            next_dead: 1,
            weigh: |_| 0,
        }
    }

    /// The same with replies that weigh something, while they wait for a client that is away.
    #[must_use]
    pub fn weighing(mut self, weigh: fn(&M) -> usize) -> Self {
        self.weigh = weigh;
        for inbox in self.inboxes.values_mut() {
            inbox.bytes = inbox.backlog.iter().map(|news| news.bytes(weigh)).sum();
        }
        self
    }

    /// When the next [`Tick`](super::Input::Tick) is due, on the driver's clock; none if time
    /// changes nothing. It may be early, never late: a tick that finds nothing to do is harmless.
    #[must_use]
    #[inline]
    pub fn next_wakeup(&self) -> Option<Duration> {
        self.timers.next().map(Duration::from)
    }

    /// How much the engine holds.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            connections: self.connections.len() as u64,
            channels: self.channels.len() as u64,
            inboxes: self.inboxes.len() as u64,
            messages: self.messages.len() as u64,
            bytes: self.bytes as u64,
            lost_replies: self.lost_replies,
            instances: self.directory.instances.len() as u64,
        }
    }
}
