//! Calls by their slots.

use std::{
    task::Waker,
    time::{Duration, SystemTime},
};

use slab::Slab;
use tokio::time::Instant;

use super::{
    buffer::{Feed, Reply},
    dismissed::Dismissed,
};
use crate::Guid;

/// How far a call has come.
pub(super) enum State {
    /// Nothing is under way: before an attempt and after one.
    Idle,
    /// Sent; this task waits for the final reply.
    Waiting(Waker),
    /// The final reply has come and waits to be fetched.
    Ended(Reply),
    /// Partial replies and a final one go here.
    Stream(Feed),
}

/// One call.
pub(super) struct Call {
    pub(super) id: Guid,
    /// None once a stream has started: from then on it ends when its reader or its handler ends it.
    pub(super) deadline: Option<Instant>,
    pub(super) state: State,
}

impl Call {
    /// Takes out whoever waits for the call; none if nobody does.
    pub(super) fn waiter(&mut self) -> Option<State> {
        matches!(self.state, State::Waiting(_) | State::Stream(_)).then(|| {
            self.deadline = None;
            std::mem::replace(&mut self.state, State::Idle)
        })
    }
}

/// Calls by the slots that their GUIDs name, so that a reply finds its call without a search.
pub(super) struct Table {
    calls: Slab<Call>,
    /// No deadline is earlier than this; it may be too early, never too late.
    pub(super) earliest: Option<Instant>,
    /// A task ends calls at their deadline.
    pub(super) is_swept: bool,
    /// Who has been told that nobody waits for a call.
    pub(super) dismissed: Dismissed,
    /// What sets the GUIDs of this client apart from all others'.
    key: u32,
    /// What sets the GUIDs of one slot apart; starts anywhere.
    number: u64,
    clock: WallClock,
}

impl Table {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            calls: Slab::new(),
            earliest: None,
            is_swept: false,
            dismissed: Dismissed::default(),
            key: fastrand::u32(..),
            number: fastrand::u64(..),
            clock: WallClock::new(now),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// A new call in a slot of its own, which its GUID names.
    pub(super) fn insert(&mut self, now: Instant, deadline: Instant, state: State) -> (usize, Guid) {
        self.number = self.number.wrapping_add(1);
        let slot = self.calls.vacant_key();
        // Slots are fewer than 2^32: `insert` is only called below the limit.
        let id = Guid::of_call(self.clock.millis(now), self.number, slot as u32 ^ self.key);
        self.calls.insert(Call { id, deadline: Some(deadline), state });
        (slot, id)
    }

    /// The call in this slot.
    pub(super) fn at(&mut self, slot: usize) -> Option<&mut Call> {
        self.calls.get_mut(slot)
    }

    pub(super) fn remove(&mut self, slot: usize) -> Option<Call> {
        self.calls.try_remove(slot)
    }

    /// The call of this GUID.
    pub(super) fn find(&mut self, id: Guid) -> Option<&mut Call> {
        self.calls.get_mut((id.tail() ^ self.key) as usize).filter(|call| call.id == id)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.calls.iter_mut().map(|(_, call)| call)
    }
}

/// The time of day, read once a millisecond at most: it orders GUIDs, no more.
struct WallClock {
    until: Instant,
    millis: u64,
}

impl WallClock {
    fn new(now: Instant) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { until: now + Duration::from_millis(1), millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    fn millis(&mut self, now: Instant) -> u64 {
        if now >= self.until {
            *self = Self::new(now);
        }
        self.millis
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use tokio::time::Instant;

    use super::{State, Table};
    use crate::Guid;

    #[test]
    fn a_guid_finds_its_call_and_no_other() {
        let now = Instant::now();
        let mut table = Table::new(now);
        let mut seen = HashSet::new();
        for round in 0..100 {
            let now = now + Duration::from_millis(round * 30);
            let calls: Vec<_> = (0..3).map(|_| table.insert(now, now, State::Idle)).collect();
            for (slot, id) in calls {
                assert!(seen.insert(id));
                assert_eq!(id.as_bytes()[6] >> 4, 7);
                assert_eq!(table.find(id).unwrap().id, id);
                table.remove(slot).unwrap();
                assert!(table.find(id).is_none());
            }
        }
        assert!(table.find(Guid::call()).is_none());
        assert!(seen.iter().all(|id| table.find(*id).is_none()), "a slot's next call is another");
    }
}
