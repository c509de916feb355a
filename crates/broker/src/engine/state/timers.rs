//! What is to happen when.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use skyloom_core::{Guid, broker::Lease};

use super::Time;
use crate::engine::{Conn, limits::CANCELLED_TIMERS};

/// What is due. A slot's number is used again, so it comes with what tells it from its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Something in a channel: a delay, a pause, its messages' time to live, its own idleness.
    Channel { slot: u32, serial: u64 },
    /// A connection may have fallen silent.
    Connection(Conn),
    /// An inbox may have been abandoned for too long.
    Inbox(Guid),
    /// A session may not have come back after a planned restart.
    Session(Guid),
    /// Contracts of services without an instance may be forgotten.
    Contracts,
    /// A wait for a job may be over.
    Wait { conn: Conn, number: u64 },
}

/// The timers of leases, nearly all of which are cancelled, and all others, few of which are: in a
/// heap each, so that sweeping the one does not cost time in the other.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    pub(crate) leases: Heap<(u64, u32)>,
    pub(crate) others: Heap<Due>,
}

impl Timers {
    /// Sets a timer for the end of a lease.
    #[inline]
    pub(crate) fn set_lease(&mut self, at: Time, lease: Lease) {
        self.leases.set(at, (lease.number, lease.slot));
    }

    /// When the earliest comes up.
    #[inline]
    pub(crate) fn next(&self) -> Option<Time> {
        match (self.leases.next(), self.others.next()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

/// Timers of which those that are set in the order of their times, as leases mostly are, stand in a
/// line, and others in a heap. Cancelled ones stay until they come up, stand first in the line, or
/// outnumber the others: setting one at the end takes constant time, and cancelling always does.
/// What a timer stands for is looked up when it comes up; whether it still holds is decided there.
#[derive(Debug)]
pub(crate) struct Heap<D> {
    line: VecDeque<(Time, D)>,
    timers: BinaryHeap<Reverse<(Time, D)>>,
    cancelled: usize,
}

impl<D: Ord> Default for Heap<D> {
    fn default() -> Self {
        Self { line: VecDeque::new(), timers: BinaryHeap::new(), cancelled: 0 }
    }
}

impl<D: Ord> Heap<D> {
    #[inline]
    pub(crate) fn set(&mut self, at: Time, due: D) {
        if at == Time::NEVER {
            return;
        }
        if self.line.back().is_none_or(|(last, _)| *last <= at) {
            self.line.push_back((at, due));
        } else {
            self.timers.push(Reverse((at, due)));
        }
    }

    /// Notes that a timer that was set does not hold any more.
    pub(crate) const fn cancel(&mut self) {
        self.cancelled += 1;
    }

    #[inline]
    fn next(&self) -> Option<Time> {
        let first = self.line.front().map(|(at, _)| *at);
        match self.timers.peek() {
            Some(Reverse((at, _))) => Some(first.map_or(*at, |first| first.min(*at))),
            None => first,
        }
    }

    /// The earliest that is due.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, D)> {
        let next = self.next()?;
        if next > now {
            return None;
        }
        match self.line.front() {
            Some((at, _)) if *at == next => self.line.pop_front(),
            _ => self.timers.pop().map(|Reverse(timer)| timer),
        }
    }

    /// Lets nothing that does not hold any more stand first in the line.
    #[inline]
    pub(crate) fn trim(&mut self, holds: impl Fn(&D) -> bool) {
        while self.cancelled > 0 && self.line.front().is_some_and(|(_, due)| !holds(due)) {
            self.line.pop_front();
            self.cancelled -= 1;
        }
    }

    /// Removes the timers that do not hold any more, if they outnumber the others.
    #[inline]
    pub(crate) fn sweep(&mut self, holds: impl Fn(Time, &D) -> bool) {
        if self.cancelled > CANCELLED_TIMERS && self.cancelled * 2 > self.timers.len() + self.line.len() {
            self.line.retain(|(at, due)| holds(*at, due));
            self.timers.retain(|Reverse((at, due))| holds(*at, due));
            self.cancelled = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Heap, Time};

    fn at(seconds: u64) -> Time {
        Time::from(Duration::from_secs(seconds))
    }

    #[test]
    fn timers_come_up_in_their_order_when_they_are_due() {
        let mut heap = Heap::default();
        for due in [5, 3, 9] {
            heap.set(at(due), due);
        }
        heap.set(Time::NEVER, 1);
        assert_eq!(heap.next(), Some(at(3)));
        assert_eq!(heap.pop(at(2)), None);
        assert_eq!([heap.pop(at(6)), heap.pop(at(6)), heap.pop(at(6))], [Some((at(3), 3)), Some((at(5), 5)), None]);
    }

    #[test]
    fn cancelled_timers_do_not_pile_up() {
        let mut heap = Heap::default();
        for number in 0..100_000 {
            heap.set(at(60 + number), number);
            heap.cancel();
            heap.sweep(|_, due| *due + 10 > number);
        }
        assert!(heap.timers.len() + heap.line.len() < 5_000, "{}", heap.line.len());
    }

    #[test]
    fn what_is_cancelled_in_front_goes_at_once() {
        let mut heap = Heap::default();
        for number in 0..10 {
            heap.set(at(60 + number), number);
        }
        for _ in 0..4 {
            heap.cancel();
        }
        heap.trim(|due| !matches!(due, 0..=2 | 7));
        assert_eq!(heap.next(), Some(at(63)), "and what stands behind stays");
        assert_eq!(heap.line.len(), 7);
    }
}
