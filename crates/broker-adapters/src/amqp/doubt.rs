//! Messages whose refusal is not believed yet.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use skyloom_core::Guid;
use tokio::time::Instant;

use super::{
    pending::{Confirms, MAX_WAITING, MAX_WAITING_BYTES, Pending, Publishing},
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
    bytes: usize,
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
        self.bytes += publishing.envelope.encoded_len();
        self.waiting.push_back(publishing);
    }

    /// Whether there is room for one more of this size.
    pub(super) fn has_room(&self, size: usize) -> bool {
        self.waiting.len() < MAX_WAITING && self.bytes + size <= MAX_WAITING_BYTES
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
        (self.next, self.bytes) = (None, 0);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom_core::{Channel, Envelope, QueueName};

    use super::*;
    use crate::amqp::{pending::Done, wire::Marks};

    fn target() -> Target {
        Target::Work(Channel::Queue(QueueName::from_static("a")))
    }

    fn publishing() -> Publishing {
        Publishing::new(target(), Arc::new(Envelope::default()), Marks::default(), Done::Nobody)
    }

    #[test]
    fn what_is_refused_is_sent_again_after_a_while() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        doubts.push(publishing(), now);
        doubts.push(publishing(), now + AGAIN / 2);
        assert_eq!(doubts.due(now + AGAIN / 2).len(), 0);
        assert_eq!(doubts.due(now + AGAIN).len(), 2, "all go together");
        assert!(doubts.is_settled() && doubts.due(now + AGAIN * 9).is_empty());
    }

    #[test]
    fn that_a_queue_is_full_is_doubted_again_however_often_it_refuses() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        doubts.found_full(target(), now);
        doubts.found_full(target(), now + FULL / 2);
        assert!(doubts.is_full(&target(), now + FULL / 2));
        assert!(!doubts.is_full(&target(), now + FULL));
    }

    #[test]
    fn another_channel_is_tried_when_the_one_before_is_closed_and_not_at_once() {
        let (mut doubts, now) = (Doubts::default(), Instant::now());
        assert!(doubts.may_renew(now));
        doubts.former = Some(Former { channel: 1, confirms: Confirms::default() });
        assert!(!doubts.may_renew(now + AGAIN), "the one before is not closed");
        doubts.former = None;
        assert!(!doubts.may_renew(now + AGAIN / 2) && doubts.may_renew(now + AGAIN));
    }
}
