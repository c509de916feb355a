//! What is to happen when.

use std::{cmp::Reverse, collections::BinaryHeap};

use skyloom_core::Guid;

use super::Time;
use crate::engine::{Conn, limits::CANCELLED_TIMERS};

/// What is due. A slot's number is used again, so each carries what tells it from its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A lease may have ended.
    Lease { slot: u32, number: u64 },
    /// Something in a channel: a delay, a pause, its messages' time to live, its own idleness.
    Channel { slot: u32, serial: u64 },
    /// A connection may have fallen silent.
    Connection(Conn),
    /// An inbox may have been abandoned for too long.
    Inbox(Guid),
    /// A session may not have come back after a planned restart.
    Session(Guid),
}

/// A heap in which cancelled timers stay until they come up or outnumber the others: setting one
/// takes constant time when it is the latest, as leases mostly are, and cancelling always does.
/// What a timer stands for is looked up when it comes up; whether it still holds is decided there.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Time, Due)>>,
    cancelled: usize,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, due: Due) {
        if at != Time::NEVER {
            self.heap.push(Reverse((at, due)));
        }
    }

    /// Notes that a timer that was set does not hold any more.
    pub(crate) const fn cancel(&mut self) {
        self.cancelled += 1;
    }

    /// When the earliest comes up.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The earliest that is due.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, Due)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(timer)| timer)
    }

    /// Whether the cancelled timers outnumber the others.
    pub(crate) fn wants_sweep(&self) -> bool {
        self.cancelled > CANCELLED_TIMERS && self.cancelled * 2 > self.heap.len()
    }

    /// Removes the timers that do not hold any more.
    pub(crate) fn sweep(&mut self, holds: impl Fn(Time, &Due) -> bool) {
        self.heap.retain(|Reverse((at, due))| holds(*at, due));
        self.cancelled = 0;
    }
}
