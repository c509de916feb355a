//! Keeping track of messages as jobs and of channels as tubes, once somebody speaks of them.

use std::collections::HashMap;

use skyloom_core::broker::{ConsumeOptions, Lease};

use crate::engine::{
    Engine, TubeName,
    state::{JobFacts, JobPlace, Name, Private},
};

impl<M> Engine<M> {
    /// Begins to keep track, with what is known of jobs from before a restart.
    pub(crate) fn keep_jobs(&mut self, known: &[(u64, JobFacts)]) {
        let known: HashMap<u64, JobFacts> = known.iter().copied().collect();
        let mut jobs = self.jobs.take().unwrap_or_default();
        let facts = |seq: u64| known.get(&seq).copied().unwrap_or_else(common_facts);
        for (slot, message) in self.messages.iter() {
            jobs.insert(message.seq, slot, facts(message.seq));
        }
        self.jobs = Some(jobs);
        let mut channels: Vec<(u64, u32)> = self.channels.iter().map(|(key, channel)| (channel.serial, key)).collect();
        channels.sort_unstable();
        // The default tube is the first of all lists.
        self.make_default_tube();
        for (_, key) in channels {
            self.list_tube(key);
        }
        for (slot, place) in self.job_places() {
            self.mark_job(slot, place);
        }
    }

    /// The tube that is always there.
    pub(crate) fn make_default_tube(&mut self) -> Option<u32> {
        let key = self.make_tube(&TubeName::default_tube())?;
        self.channels.get_mut(key)?.tube.transient = false;
        self.list_tube(key);
        Some(key)
    }

    fn job_places(&self) -> Vec<(u32, JobPlace)> {
        let mut places = Vec::new();
        for (_, channel) in self.channels.iter() {
            places.extend(channel.waiting.slots().map(|slot| (slot, JobPlace::Ready)));
            places.extend(channel.delayed.iter().map(|((until, _), slot)| (*slot, JobPlace::Delayed(*until))));
            places.extend(channel.dead.iter().map(|(number, dead)| (dead.message, JobPlace::Buried(number))));
        }
        places.extend(self.leases.iter().map(|(slot, held)| {
            let lease = Lease { slot, number: held.number };
            (held.message, JobPlace::Reserved(lease))
        }));
        places
    }

    /// A new message is a job, too.
    pub(crate) fn number_job(&mut self, slot: u32) {
        if let Some(jobs) = &mut self.jobs
            && let Some(message) = self.messages.get(slot)
        {
            jobs.insert(message.seq, slot, common_facts());
            jobs.totals.total += 1;
        }
    }

    /// Notes where a job is now.
    pub(crate) fn mark_job(&mut self, slot: u32, place: JobPlace) {
        let Some(jobs) = &mut self.jobs else { return };
        let Some(message) = self.messages.get(slot) else { return };
        let more = jobs.mark(message.seq, message.priority, place);
        if let Some(channel) = self.channels.get_mut(message.channel) {
            channel.tube.urgent = channel.tube.urgent.saturating_add_signed(more);
        }
    }

    /// A message is about to go.
    pub(crate) fn strike_job(&mut self, slot: u32) {
        let Some(jobs) = &mut self.jobs else { return };
        let Some(message) = self.messages.get(slot) else { return };
        let more = jobs.remove(message.seq, message.priority);
        if let Some(channel) = self.channels.get_mut(message.channel) {
            channel.tube.urgent = channel.tube.urgent.saturating_add_signed(more);
        }
    }

    /// A lease ran out.
    pub(crate) fn count_timeout(&mut self, slot: u32) {
        let Some(jobs) = &mut self.jobs else { return };
        let Some(message) = self.messages.get(slot) else { return };
        jobs.totals.timeouts += 1;
        if let Some(facts) = jobs.facts_mut(message.seq) {
            facts.timeouts = facts.timeouts.saturating_add(1);
        }
    }

    /// A channel is a tube, too, if its name can be one's.
    pub(crate) fn list_tube(&mut self, key: u32) {
        let Some(jobs) = &mut self.jobs else { return };
        let Some(channel) = self.channels.get_mut(key) else { return };
        if channel.tube.position.is_some() || channel.detached || channel.name.tube().is_none() {
            return;
        }
        channel.tube.position = Some(jobs.tubes.len());
        jobs.tubes.push(key);
    }

    /// A channel is no tube any more; the last one takes its place.
    pub(crate) fn unlist_tube(&mut self, key: u32) {
        let Some(jobs) = &mut self.jobs else { return };
        let position = self.channels.get_mut(key).and_then(|channel| channel.tube.position.take());
        let Some(position) = position.filter(|position| *position < jobs.tubes.len()) else { return };
        jobs.tubes.swap_remove(position);
        if let Some(moved) = jobs.tubes.get(position)
            && let Some(moved) = self.channels.get_mut(*moved)
        {
            moved.tube.position = Some(position);
        }
    }

    /// The channel that a tube's name means, if it exists.
    pub(crate) fn tube(&self, name: &TubeName) -> Option<u32> {
        match Name::of(name) {
            Name::Channel(name) => self.names.get(&name).copied(),
            Name::Tube(name) => self.jobs.as_ref()?.foreign.get(&name).copied(),
        }
    }

    /// The channel that a tube's name means, which is made if it does not exist; none if there is
    /// no room for it.
    pub(crate) fn make_tube(&mut self, name: &TubeName) -> Option<u32> {
        if let Some(key) = self.tube(name) {
            return Some(key);
        }
        let key = match Name::of(name) {
            Name::Channel(channel) => self.make_channel(channel, false).ok()?,
            Name::Tube(_) if self.channels.len() >= self.limits.channels => return None,
            Name::Tube(name) => {
                let key = self.add_channel(Name::Tube(name.clone()), false)?;
                self.jobs.get_or_insert_default().foreign.insert(name, key);
                key
            }
        };
        if let Some(channel) = self.channels.get_mut(key) {
            channel.tube.transient = true;
            channel.tube.private = Private::of(name);
        }
        Some(key)
    }
}

/// What holds for a message that was not put as a job.
fn common_facts() -> JobFacts {
    let ttr = u32::try_from(ConsumeOptions::default().lease.as_secs()).unwrap_or(u32::MAX);
    JobFacts::new(ttr, 0)
}
