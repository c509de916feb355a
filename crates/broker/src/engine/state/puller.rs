//! A connection that speaks of jobs and takes them one by one.

use std::{cmp::Reverse, collections::BinaryHeap};

use skyloom_core::broker::Lease;

use super::{Leases, Time};

/// A wait for a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// Those with lower numbers came first.
    pub(crate) number: u64,
    /// It has a timer.
    pub(crate) timed: bool,
}

/// What such a connection uses, watches and holds.
#[derive(Debug)]
pub(crate) struct Puller {
    /// Its record as a consumer, under which its leases are.
    pub(crate) consumer: u32,
    /// The channel it puts jobs into.
    pub(crate) used: u32,
    /// The channels it takes jobs from, in the order in which beanstalkd lists them.
    pub(crate) watched: Vec<u32>,
    pub(crate) waiting: Option<Wait>,
    /// When its leases end, with those that have ended before.
    deadlines: BinaryHeap<Reverse<(Time, u64, u32)>>,
}

impl Puller {
    pub(crate) fn new(consumer: u32, tube: u32) -> Self {
        Self { consumer, used: tube, watched: vec![tube], waiting: None, deadlines: BinaryHeap::new() }
    }

    /// Notes when a lease of its own ends.
    pub(crate) fn hold(&mut self, deadline: Time, lease: Lease) {
        self.deadlines.push(Reverse((deadline, lease.number, lease.slot)));
    }

    /// When the first of its leases ends.
    pub(crate) fn soonest(&mut self, leases: &Leases) -> Option<Time> {
        while let Some(Reverse((deadline, number, slot))) = self.deadlines.peek().copied() {
            match leases.get(Lease { slot, number }).map(|held| held.deadline) {
                Some(now) if now == deadline => return Some(deadline),
                Some(later) => {
                    self.deadlines.pop();
                    self.deadlines.push(Reverse((later, number, slot)));
                }
                None => {
                    self.deadlines.pop();
                }
            }
        }
        None
    }
}
