//! Looking at jobs and tubes.

use std::time::Duration;

use crate::engine::{
    Conn, Engine, JobAnswer, JobState, JobStats, JobTotals, Peek, TubeName, TubeStats,
    state::{ChannelState, JobPlace},
};

impl<M: Clone> Engine<M> {
    pub(crate) fn peek_job(&mut self, conn: Conn, which: Peek) -> JobAnswer<M> {
        let slot = match which {
            Peek::Job(id) => self.jobs.as_ref().and_then(|jobs| jobs.get(id)).map(|job| job.slot),
            Peek::Ready => self.used_tube(conn).and_then(|tube| tube.waiting.first()).map(|(_, slot)| slot),
            Peek::Delayed => self.used_tube(conn).and_then(|tube| tube.delayed.values().next().copied()),
            Peek::Buried => self.used_tube(conn).and_then(|tube| tube.dead.first()).map(|dead| dead.message),
        };
        match slot.and_then(|slot| self.messages.get(slot)) {
            Some(message) => JobAnswer::Found(message.seq, message.body.clone()),
            None => JobAnswer::NotFound,
        }
    }

    fn used_tube(&mut self, conn: Conn) -> Option<&ChannelState> {
        let key = self.used(conn)?;
        self.channels.get(key)
    }
}

impl<M> Engine<M> {
    pub(crate) fn job_stats(&self, id: u64) -> Option<JobStats> {
        let job = self.jobs.as_ref()?.get(id)?;
        let message = self.messages.get(job.slot)?;
        let tube = self.channels.get(message.channel)?.name.tube()?;
        let (state, left) = match job.place {
            JobPlace::Moving | JobPlace::Ready => (JobState::Ready, Duration::ZERO),
            JobPlace::Delayed(until) => (JobState::Delayed, until.since(self.now)),
            JobPlace::Reserved(lease) => {
                let deadline = self.leases.get(lease)?.deadline;
                (JobState::Reserved, deadline.since(self.now))
            }
            JobPlace::Buried(_) => (JobState::Buried, Duration::ZERO),
        };
        Some(JobStats {
            id,
            tube,
            state,
            priority: message.priority,
            age: self.now.since(message.enqueued).as_secs(),
            delay: job.facts.delay,
            ttr: job.facts.ttr,
            left: left.as_secs(),
            reserves: job.facts.reserves,
            timeouts: job.facts.timeouts,
            releases: job.facts.releases,
            buries: job.facts.buries,
            kicks: job.facts.kicks,
        })
    }

    pub(crate) fn tube_stats(&self, name: TubeName) -> Option<TubeStats> {
        let channel = self.channels.get(self.tube(&name)?)?;
        let tube = &channel.tube;
        let paused = channel.paused_until > self.now;
        let depth = channel.depth();
        Some(TubeStats {
            tube: name,
            urgent: tube.urgent,
            ready: depth.ready,
            reserved: depth.leased,
            delayed: depth.delayed,
            buried: depth.dead,
            total: channel.counters.enqueued,
            using: tube.using.into(),
            watching: tube.watching.into(),
            waiting: tube.waiters.len() as u64,
            deletes: tube.deletes,
            pauses: tube.pauses,
            pause: if paused { tube.pause.as_secs() } else { 0 },
            pause_left: channel.paused_until.since(self.now).as_secs(),
        })
    }

    pub(crate) fn job_totals(&self) -> JobTotals {
        let Some(jobs) = &self.jobs else { return JobTotals::default() };
        JobTotals { tubes: jobs.tubes.len() as u64, ..jobs.totals }
    }

    /// The names of these channels as tubes.
    pub(crate) fn tube_names<'a>(&self, keys: impl IntoIterator<Item = &'a u32>) -> Vec<TubeName> {
        keys.into_iter().filter_map(|key| self.channels.get(*key)?.name.tube()).collect()
    }
}
