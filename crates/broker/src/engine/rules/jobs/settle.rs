//! How jobs move on: deleted, given back, set aside, kicked.

use std::time::Duration;

use skyloom_core::broker::{BrokerError, Lease};

use crate::engine::{
    Conn, Engine, JobAnswer, Output,
    state::{JobFacts, JobPlace},
};

/// Why a job that somebody buried is a dead letter.
const BURIED: &str = "a worker buried it";

impl<M: Clone> Engine<M> {
    /// Takes a job that nobody has, in whatever state it is.
    pub(crate) fn reserve_job(&mut self, conn: Conn, id: u64, out: &mut Vec<Output<M>>) {
        match self.take_free(id) {
            Some(slot) => self.grant(conn, slot, out),
            None => out.push(Output::Job { conn, answer: JobAnswer::NotFound }),
        }
    }

    pub(crate) fn delete(&mut self, conn: Conn, id: u64, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let own = self.end_own(conn, id);
        let Some(slot) = own.or_else(|| self.take_free(id)) else { return JobAnswer::NotFound };
        if let Some(key) = self.messages.get(slot).map(|message| message.channel)
            && let Some(channel) = self.channels.get_mut(key)
        {
            channel.tube.deletes += 1;
            channel.counters.settled += u64::from(own.is_some());
        }
        if let Some(message) = self.discard(slot).filter(|_| own.is_none()) {
            let error = BrokerError::unavailable("it was deleted before a worker took it");
            self.refuse(message.reply_to, message.id, error, out);
        }
        JobAnswer::Deleted
    }

    pub(crate) fn release_job(
        &mut self,
        conn: Conn,
        id: u64,
        (priority, delay): (u32, u32),
        out: &mut Vec<Output<M>>,
    ) -> JobAnswer<M> {
        let Some(slot) = self.end_own(conn, id) else { return JobAnswer::NotFound };
        self.count(id, |facts| {
            facts.delay = delay;
            facts.releases = facts.releases.saturating_add(1);
        });
        self.acquit(slot);
        if let Some(message) = self.messages.get_mut(slot) {
            message.priority = priority;
            message.attempts = message.attempts.saturating_add(1);
        }
        self.place_again(slot, Duration::from_secs(delay.into()), out);
        JobAnswer::Released
    }

    pub(crate) fn bury_job(&mut self, conn: Conn, id: u64, priority: u32, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let Some(slot) = self.end_own(conn, id) else { return JobAnswer::NotFound };
        self.count(id, |facts| facts.buries = facts.buries.saturating_add(1));
        let attempts = self.messages.get_mut(slot).map_or(1, |message| {
            message.priority = priority;
            message.attempts = message.attempts.saturating_add(1);
            message.attempts
        });
        let error = BrokerError::Dead { attempts, reason: BURIED.to_owned() };
        self.bury(slot, BURIED, error, out);
        JobAnswer::Buried
    }

    pub(crate) fn touch(&mut self, conn: Conn, id: u64) -> JobAnswer<M> {
        let Some(lease) = self.own(conn, id) else { return JobAnswer::NotFound };
        let ttr = self.jobs.as_ref().and_then(|jobs| jobs.get(id)).map_or(1, |job| job.facts.ttr);
        let deadline = self.now.after(Duration::from_secs(ttr.into()));
        if let Some(held) = self.leases.get_mut(lease) {
            held.deadline = held.deadline.max(deadline);
        }
        JobAnswer::Touched
    }

    /// A connection is gone: it waits no more, and gives back what it has, in the order in which it
    /// took it. As with every worker that dies, that is a failed attempt.
    pub(crate) fn return_jobs(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        self.stop_waiting(conn);
        let Some(consumer) = self.puller(conn).map(|puller| puller.consumer) else { return };
        let held = self.consumers.get(consumer).map_or_else(Vec::new, |consumer| consumer.held.clone());
        let mut held: Vec<(u64, u32)> =
            held.into_iter().filter_map(|slot| Some((self.leases.at(slot)?.number, slot))).collect();
        held.sort_unstable();
        for (_, lease) in held {
            let Some(slot) = self.end_lease(lease).map(|held| held.message) else { continue };
            self.mark_job(slot, JobPlace::Moving);
            let Some(message) = self.messages.get_mut(slot) else { continue };
            message.attempts = message.attempts.saturating_add(1);
            self.place_again(slot, Duration::ZERO, out);
        }
    }

    /// Puts a job that is in no index where it was, if its tube is still there.
    fn place_again(&mut self, slot: u32, delay: Duration, out: &mut Vec<Output<M>>) {
        let Some(key) = self.messages.get(slot).map(|message| message.channel) else { return };
        if self.channels.get(key).is_none_or(|channel| channel.detached) {
            self.abandon(slot, out);
        } else if delay.is_zero() {
            self.place(key, slot, out);
        } else {
            self.hold_back(slot, self.now.after(delay));
        }
    }

    /// Kicks up to so many buried jobs of the used tube or, if there is none, delayed ones.
    pub(crate) fn kick_jobs(&mut self, conn: Conn, most: u32, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let Some(key) = self.used(conn) else { return JobAnswer::Kicked(0) };
        let buried = self.channels.get(key).is_some_and(|channel| !channel.dead.is_empty());
        let mut kicked = 0;
        while kicked < most
            && let Some(slot) = self.first_asleep(key, buried)
        {
            self.wake(slot, out);
            kicked += 1;
        }
        JobAnswer::Kicked(kicked)
    }

    pub(crate) fn kick_job(&mut self, id: u64, out: &mut Vec<Output<M>>) -> JobAnswer<M> {
        let place = self.jobs.as_ref().and_then(|jobs| jobs.get(id)).map(|job| job.place);
        match place {
            Some(JobPlace::Buried(_) | JobPlace::Delayed(_)) => {}
            _ => return JobAnswer::NotFound,
        }
        let Some(slot) = self.take_free(id) else { return JobAnswer::NotFound };
        self.wake(slot, out);
        JobAnswer::KickedJob
    }

    /// Takes the next buried or delayed job of a channel.
    fn first_asleep(&mut self, key: u32, buried: bool) -> Option<u32> {
        let channel = self.channels.get_mut(key)?;
        if buried {
            channel.dead.pop_first().map(|dead| dead.message)
        } else {
            channel.delayed.pop_first().map(|(_, slot)| slot)
        }
    }

    /// Makes a job that is in no index ready.
    fn wake(&mut self, slot: u32, out: &mut Vec<Output<M>>) {
        let Some((id, key)) = self.messages.get(slot).map(|message| (message.seq, message.channel)) else { return };
        self.mark_job(slot, JobPlace::Moving);
        self.count(id, |facts| facts.kicks = facts.kicks.saturating_add(1));
        self.place(key, slot, out);
    }
}

impl<M> Engine<M> {
    fn count(&mut self, id: u64, change: impl FnOnce(&mut JobFacts)) {
        if let Some(facts) = self.jobs.as_mut().and_then(|jobs| jobs.facts_mut(id)) {
            change(facts);
        }
    }

    /// The lease under which a connection has a job.
    fn own(&mut self, conn: Conn, id: u64) -> Option<Lease> {
        let Some(JobPlace::Reserved(lease)) = self.jobs.as_ref()?.get(id).map(|job| job.place) else { return None };
        self.held(conn, lease).ok().map(|_| lease)
    }

    /// Ends that lease. The job is in no index then.
    fn end_own(&mut self, conn: Conn, id: u64) -> Option<u32> {
        let lease = self.own(conn, id)?;
        let message = self.end_lease(lease.slot)?.message;
        self.mark_job(message, JobPlace::Moving);
        Some(message)
    }

    /// Takes a job that nobody has out of its index.
    fn take_free(&mut self, id: u64) -> Option<u32> {
        let (slot, place) = self.jobs.as_ref()?.get(id).map(|job| (job.slot, job.place))?;
        let message = self.messages.get(slot)?;
        let channel = self.channels.get_mut(message.channel)?;
        match place {
            JobPlace::Moving | JobPlace::Reserved(_) => return None,
            JobPlace::Ready => channel.waiting.remove((message.priority, message.seq)),
            JobPlace::Delayed(until) => drop(channel.delayed.remove(&(until, message.seq))),
            JobPlace::Buried(number) => drop(channel.dead.remove(number)),
        }
        self.mark_job(slot, JobPlace::Moving);
        Some(slot)
    }
}
