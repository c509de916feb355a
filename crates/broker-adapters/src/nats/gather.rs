//! [`Gathered`]: calls and replies that wait for a moment, so that those for one place go out as one message.

use std::collections::{BTreeMap, HashMap};

use async_nats::Subject;
use skyloom_core::Guid;

use super::{names::Target, outbox::Outgoing};
use crate::remote::Bundle;

/// How many bundles of calls are remembered, in case that nobody is there to take them. The server says so at once.
const REMEMBERED: usize = 1_024;

/// Replies to one inbox, and what is acknowledged after them.
#[derive(Default)]
pub(super) struct Replies {
    pub(super) bundle: Bundle,
    pub(super) acks: Vec<Subject>,
}

/// Calls to one target whose replies come to one inbox.
pub(super) type Calls = Vec<(u64, Outgoing)>;

pub(super) type AllReplies = HashMap<Guid, Replies, foldhash::fast::RandomState>;
pub(super) type AllCalls = HashMap<(Guid, Target), Calls, foldhash::fast::RandomState>;

/// What waits for a moment.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) replies: AllReplies,
    pub(super) calls: AllCalls,
    /// The calls of the last bundles, by the number of the bundle.
    pub(super) bundles: BTreeMap<u64, Vec<Guid>>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.calls.is_empty()
    }

    pub(super) fn take(&mut self) -> (AllReplies, AllCalls) {
        (std::mem::take(&mut self.replies), std::mem::take(&mut self.calls))
    }

    pub(super) fn remember(&mut self, bundle: u64, calls: Vec<Guid>) {
        if self.bundles.len() >= REMEMBERED {
            self.bundles.pop_first();
        }
        self.bundles.insert(bundle, calls);
    }

    /// The calls that were not sent yet.
    pub(super) fn unsent(&self) -> impl Iterator<Item = Guid> {
        self.calls.values().flatten().map(|(_, outgoing)| outgoing.envelope.id)
    }
}
