//! Messages on their way to the server, and who is to be told what became of them.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError},
};
use tokio::time::Instant;

use super::{target::Target, wire::Marks};

/// The most messages that wait for a connection, or to be confirmed.
pub(super) const MAX_WAITING: usize = 100_000;

/// The most bytes that wait for a connection.
pub(super) const MAX_WAITING_BYTES: usize = 64 << 20;

/// How long a message waits at most for a connection, or to be confirmed by a server that has said that it takes none for
/// now.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long one does that has no budget: a little less than who sends it waits if he says nothing else, so that he hears
/// why.
const UNTIMED: Duration = Duration::from_secs(9);

/// What is to happen once a message is accepted or refused.
#[derive(Debug)]
pub(super) enum Done {
    /// Nothing.
    Nobody,
    /// Somebody waits for it.
    Sender(AckSender),
    /// The inbox of a call is told of a refusal, unless the sender still waits.
    Call { inbox: Guid, sender: Option<AckSender> },
    /// A delivery has been replaced by this message, and ends, if its consumer still has that life.
    Move { consumer: u32, life: u32, tag: u64, sender: Option<AckSender> },
    /// The queue of an inbox's tokens is where it was, and so is the inbox.
    Token { inbox: Guid },
}

impl Done {
    /// Whether nobody is interested any more, so that it need not be sent.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Sender(sender) | Self::Call { sender: Some(sender), .. } => sender.is_abandoned(),
            _ => false,
        }
    }
}

/// A message that is to be sent.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) target: Target,
    pub(super) envelope: Arc<Envelope>,
    pub(super) marks: Marks,
    pub(super) done: Done,
    /// When it was to be sent first.
    pub(super) begun: Instant,
    /// Since when it is refused, if it was.
    pub(super) refused: Option<Instant>,
}

impl Publishing {
    pub(super) fn new(target: Target, envelope: Arc<Envelope>, marks: Marks, done: Done) -> Self {
        Self { target, envelope, marks, done, begun: Instant::now(), refused: None }
    }

    /// Until when whoever sends it waits for a server that takes nothing.
    pub(super) fn until(&self) -> Instant {
        self.begun + self.envelope.budget.map_or(UNTIMED, |budget| budget.min(PATIENCE))
    }

    /// For how many milliseconds the server may still keep it, if that is limited: it has waited here for a part of its
    /// time.
    pub(super) fn left(&self, now: Instant) -> Option<u64> {
        let waited = u64::try_from(now.saturating_duration_since(self.begun).as_millis()).unwrap_or(u64::MAX);
        self.marks.expiration.map(|expiration| expiration.saturating_sub(waited))
    }
}

/// What it takes to send a message again that was refused.
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) envelope: Arc<Envelope>,
    pub(super) marks: Marks,
    pub(super) begun: Instant,
    pub(super) refused: Option<Instant>,
}

/// A message that was sent and is not confirmed yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Guid,
    pub(super) target: Target,
    pub(super) done: Done,
    /// How long a server is waited for that takes nothing.
    pub(super) until: Instant,
    /// It came back: no queue has taken it.
    pub(super) returned: bool,
    /// If a refusal of it is not believed at once.
    pub(super) repeat: Option<Box<Repeat>>,
}

/// What the server has yet to confirm, in the order of sending; the server counts from one.
#[derive(Debug, Default)]
pub(super) struct Confirms {
    /// The number of the first that is in `pending`, less one.
    before: u64,
    pending: VecDeque<Option<Pending>>,
    open: usize,
}

impl Confirms {
    pub(super) fn push(&mut self, pending: Pending) {
        self.pending.push_back(Some(pending));
        self.open += 1;
    }

    /// How many are not confirmed.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// Takes what a confirmation is about.
    pub(super) fn take(&mut self, tag: u64, multiple: bool) -> Vec<Pending> {
        let Some(index) = tag.checked_sub(self.before + 1).and_then(|index| usize::try_from(index).ok()) else {
            return Vec::new();
        };
        let taken: Vec<Pending> = if multiple {
            let end = (index + 1).min(self.pending.len());
            self.before += end as u64;
            self.pending.drain(..end).flatten().collect()
        } else {
            self.pending.get_mut(index).and_then(Option::take).into_iter().collect()
        };
        self.open -= taken.len();
        while self.pending.front().is_some_and(Option::is_none) {
            self.pending.pop_front();
            self.before += 1;
        }
        taken
    }

    /// Notes that a message came back.
    pub(super) fn returned(&mut self, id: Guid) {
        let mut open = self.pending.iter_mut().flatten();
        if let Some(pending) = open.find(|pending| pending.id == id && !pending.returned) {
            pending.returned = true;
        }
    }

    /// Takes what is not waited for any longer.
    pub(super) fn over(&mut self, now: Instant) -> Vec<Pending> {
        let late = |pending: &mut Pending| pending.until <= now;
        let taken: Vec<Pending> = self.pending.iter_mut().filter_map(|slot| slot.take_if(late)).collect();
        self.open -= taken.len();
        taken
    }

    /// Takes everything: the connection has ended.
    pub(super) fn clear(&mut self) -> Vec<Pending> {
        std::mem::take(self).pending.into_iter().flatten().collect()
    }
}

/// What waits until it can be sent.
#[derive(Debug, Default)]
pub(super) struct Held {
    waiting: VecDeque<(Instant, Publishing)>,
    bytes: usize,
}

impl Held {
    /// Whether there is room for one more of this size.
    pub(super) fn room(&self, size: usize) -> Result<(), BrokerError> {
        if self.waiting.len() < MAX_WAITING && self.bytes + size <= MAX_WAITING_BYTES {
            return Ok(());
        }
        let what = "what waits for a connection to the broker".to_owned();
        Err(BrokerError::Full { what, limit: format!("{MAX_WAITING} messages or {MAX_WAITING_BYTES} bytes") })
    }

    /// Holds a message until then.
    pub(super) fn push(&mut self, until: Instant, publishing: Publishing) {
        self.bytes += publishing.envelope.encoded_len();
        self.waiting.push_back((until, publishing));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes everything.
    pub(super) fn drain(&mut self) -> Vec<Publishing> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting).into_iter().map(|(_, publishing)| publishing).collect()
    }

    /// Takes those for which `over` holds.
    pub(super) fn take(&mut self, over: impl Fn(Instant, &Publishing) -> bool) -> Vec<Publishing> {
        let (taken, kept) =
            std::mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(|(until, one)| over(*until, one));
        self.waiting = kept;
        self.bytes = self.waiting.iter().map(|(_, one)| one.envelope.encoded_len()).sum();
        taken.into_iter().map(|(_, publishing)| publishing).collect()
    }

    /// The calls in it.
    pub(super) fn calls(&self) -> HashSet<Guid> {
        self.waiting.iter().map(|(_, publishing)| publishing.envelope.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(n: u8) -> Pending {
        let id = Guid::from_bytes([n; 16]);
        Pending { id, target: Target::Index, done: Done::Nobody, until: Instant::now(), returned: false, repeat: None }
    }

    #[test]
    fn confirmations_come_singly_and_in_bulk() {
        let mut confirms = Confirms::default();
        (1..=6).for_each(|n| confirms.push(numbered(n)));
        let ids = |taken: Vec<Pending>| taken.iter().map(|one| one.id.as_bytes()[0]).collect::<Vec<_>>();
        assert_eq!(ids(confirms.take(2, false)), [2]);
        assert_eq!(ids(confirms.take(2, false)), [0; 0]);
        assert_eq!(ids(confirms.take(3, true)), [1, 3]);
        assert_eq!(ids(confirms.take(1, true)), [0; 0], "it was confirmed before");
        assert_eq!(ids(confirms.take(5, false)), [5]);
        assert_eq!(confirms.len(), 2);
        assert_eq!(ids(confirms.clear()), [4, 6]);
    }
}
