//! A client that is there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use foldhash::fast::RandomState;
use skyloom_core::Guid;

use super::Time;
use crate::engine::ConsumerId;

/// A connection and what vanishes with it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) session: Guid,
    pub(crate) heard: Time,
    /// It was not heard for so long that its instances count as gone.
    pub(crate) silent: bool,
    /// Some of its consumers are passed over until it is heard.
    pub(crate) hung: bool,
    pub(crate) consumers: BTreeMap<ConsumerId, u32>,
    pub(crate) inboxes: HashSet<Guid, RandomState>,
    pub(crate) instances: BTreeSet<Guid>,
    /// It has a timer for its silence.
    pub(crate) watched: bool,
}

impl Connection {
    pub(crate) fn new(session: Guid, now: Time) -> Self {
        Self {
            session,
            heard: now,
            silent: false,
            hung: false,
            consumers: BTreeMap::new(),
            inboxes: HashSet::default(),
            instances: BTreeSet::new(),
            watched: false,
        }
    }
}
