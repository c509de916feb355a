//! What a channel is as a tube.

use std::{collections::BTreeMap, time::Duration};

use skyloom_core::{Channel, Guid};

use crate::engine::{Conn, TubeName};

/// A tube into which nothing is put: it stands for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Private {
    Inbox(Guid),
    Instance(Guid),
}

impl Private {
    /// Whom a tube of this name stands for.
    pub(crate) fn of(tube: &TubeName) -> Option<Self> {
        let text = tube.as_str();
        match text.strip_prefix("_inbox.") {
            Some(guid) => guid.parse().ok().map(Self::Inbox),
            None => text.strip_prefix(Channel::INSTANCE_PREFIX)?.parse().ok().map(Self::Instance),
        }
    }
}

/// What a channel is to connections that speak of tubes.
#[derive(Debug, Default)]
pub(crate) struct TubeState {
    /// Its place in the list of tubes; none: it is in no list.
    pub(crate) position: Option<usize>,
    /// Connections that put jobs into it.
    pub(crate) using: u32,
    /// Connections that take jobs from it.
    pub(crate) watching: u32,
    /// Connections that wait for a job, those that came first in front.
    pub(crate) waiters: BTreeMap<u64, Conn>,
    /// Ready jobs that are urgent.
    pub(crate) urgent: u64,
    pub(crate) deletes: u64,
    pub(crate) pauses: u64,
    /// For how long it was paused last.
    pub(crate) pause: Duration,
    pub(crate) private: Option<Private>,
    /// It was made for a job and goes as soon as nobody needs it.
    pub(crate) transient: bool,
}

impl TubeState {
    /// Whether somebody would miss it although it is empty.
    pub(crate) const fn is_attended(&self) -> bool {
        self.using > 0 || self.watching > 0
    }

    /// Who is next to get a job.
    pub(crate) fn first_waiter(&self) -> Option<Conn> {
        self.waiters.first_key_value().map(|(_, conn)| *conn)
    }
}
