//! Which message is which job.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use skyloom_core::broker::Lease;

use super::{Puller, Time};
use crate::engine::{Conn, JobTotals, TubeName, job::URGENT};

/// Where in its channel a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobPlace {
    /// In the hands of a rule.
    Moving,
    Ready,
    Delayed(Time),
    Reserved(Lease),
    Buried(u64),
}

/// What is known of a job beyond its message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct JobFacts {
    /// In seconds, as all times of a job.
    pub(crate) ttr: u32,
    pub(crate) delay: u32,
    pub(crate) reserves: u32,
    pub(crate) timeouts: u32,
    pub(crate) releases: u32,
    pub(crate) buries: u32,
    pub(crate) kicks: u32,
}

impl JobFacts {
    /// A job that may be reserved for so long.
    pub(crate) const fn new(ttr: u32, delay: u32) -> Self {
        Self { ttr, delay, reserves: 0, timeouts: 0, releases: 0, buries: 0, kicks: 0 }
    }
}

/// A message as a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// The message's slot.
    pub(crate) slot: u32,
    pub(crate) place: JobPlace,
    pub(crate) facts: JobFacts,
}

/// All messages as jobs, by number, and who takes them. It is only kept once somebody speaks of
/// jobs; nobody else pays for it.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    index: HashMap<u64, Job, RandomState>,
    pub(crate) pullers: HashMap<Conn, Puller, RandomState>,
    /// Tubes whose names are no channel's.
    pub(crate) foreign: HashMap<TubeName, u32, RandomState>,
    /// All tubes, in the order in which beanstalkd lists them: the last one takes the place of one
    /// that goes.
    pub(crate) tubes: Vec<u32>,
    pub(crate) totals: JobTotals,
    pub(crate) next_wait: u64,
    /// Waits whose time is over.
    pub(crate) overdue: Vec<(Conn, u64)>,
}

impl Jobs {
    pub(crate) fn get(&self, id: u64) -> Option<&Job> {
        self.index.get(&id)
    }

    pub(crate) fn facts_mut(&mut self, id: u64) -> Option<&mut JobFacts> {
        self.index.get_mut(&id).map(|job| &mut job.facts)
    }

    pub(crate) fn insert(&mut self, id: u64, slot: u32, facts: JobFacts) {
        self.index.insert(id, Job { slot, place: JobPlace::Moving, facts });
    }

    /// Notes where a job is now. Returns by how much there are more urgent ones.
    pub(crate) fn mark(&mut self, id: u64, priority: u32, place: JobPlace) -> i64 {
        let Some(job) = self.index.get_mut(&id) else { return 0 };
        let before = std::mem::replace(&mut job.place, place);
        self.count(before, priority, -1) + self.count(place, priority, 1)
    }

    /// Forgets a job. Returns by how much there are more urgent ones.
    pub(crate) fn remove(&mut self, id: u64, priority: u32) -> i64 {
        self.index.remove(&id).map_or(0, |job| self.count(job.place, priority, -1))
    }

    /// All jobs' facts, by number.
    pub(crate) fn facts(&self) -> Vec<(u64, JobFacts)> {
        let mut facts: Vec<(u64, JobFacts)> = self.index.iter().map(|(id, job)| (*id, job.facts)).collect();
        facts.sort_unstable_by_key(|(id, _)| *id);
        facts
    }

    fn count(&mut self, place: JobPlace, priority: u32, more: i64) -> i64 {
        let totals = &mut self.totals;
        let count = match place {
            JobPlace::Moving => return 0,
            JobPlace::Ready => &mut totals.ready,
            JobPlace::Delayed(_) => &mut totals.delayed,
            JobPlace::Reserved(_) => &mut totals.reserved,
            JobPlace::Buried(_) => &mut totals.buried,
        };
        *count = count.saturating_add_signed(more);
        if place == JobPlace::Ready && priority < URGENT {
            totals.urgent = totals.urgent.saturating_add_signed(more);
            return more;
        }
        0
    }
}
