//! Messages whose refusal is not believed yet.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use skyloom_core::Guid;
use tokio::time::Instant;

use super::{
    pending::{Confirms, Pending, Publishing},
    target::Target,
};

/// After how long a message is sent again that was refused.
const AGAIN: Duration = Duration::from_millis(250);

/// For how long a queue is believed to be full that has refused for as long as it was doubted. Who sends to it meanwhile
/// hears at once.
const FULL: Duration = Duration::from_secs(10);

/// The AMQP channel on which messages were sent before, while it has something to confirm.
#[derive(Debug)]
pub(super) struct Former {
    pub(super) channel: u16,
    pub(super) confirms: Confirms,
}

/// What is doubted, and what is certain.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    waiting: VecDeque<Publishing>,
    /// When they are sent again.
    next: Option<Instant>,
    /// Queues that are full, and until when that is believed.
    full: HashMap<Target, Instant>,
    pub(super) former: Option<Former>,
    /// When messages began to be sent on another AMQP channel.
    renewed: Option<Instant>,
}

impl Doubts {
    /// Keeps a message that is to be sent again.
    pub(super) fn push(&mut self, publishing: Publishing, now: Instant) {
        self.next.get_or_insert(now + AGAIN);
        self.waiting.push_back(publishing);
    }

    /// How many wait to be sent again.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits to be sent again.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether nothing waits to be sent again or to be confirmed.
    pub(super) fn is_settled(&self) -> bool {
        self.is_empty() && self.former.as_ref().is_none_or(|former| former.confirms.len() == 0)
    }

    /// Takes what is to be sent again by now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Publishing> {
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        self.drain()
    }

    /// Takes everything.
    pub(super) fn drain(&mut self) -> Vec<Publishing> {
        self.next = None;
        std::mem::take(&mut self.waiting).into()
    }

    /// The calls that wait.
    pub(super) fn calls(&self) -> impl Iterator<Item = Guid> + '_ {
        self.waiting.iter().map(|publishing| publishing.envelope.id)
    }

    /// Notes that a queue is full. If that is known, it is not known for longer.
    pub(super) fn found_full(&mut self, target: Target, now: Instant) {
        self.full.retain(|_, until| *until > now);
        self.full.entry(target).or_insert(now + FULL);
    }

    /// Whether another AMQP channel can be tried, which it then is.
    pub(super) fn may_renew(&mut self, now: Instant) -> bool {
        let may = self.former.is_none() && self.renewed.is_none_or(|renewed| now >= renewed + AGAIN);
        if may {
            self.renewed = Some(now);
        }
        may
    }

    /// Whether a queue is full.
    pub(super) fn is_full(&self, target: &Target, now: Instant) -> bool {
        self.full.get(target).is_some_and(|until| *until > now)
    }

    /// The connection has ended, and with it the AMQP channel from before. Returns what it has not confirmed.
    pub(super) fn forget_former(&mut self) -> Vec<Pending> {
        self.full.clear();
        self.renewed = None;
        self.former.take().map(|mut former| former.confirms.clear()).unwrap_or_default()
    }
}
