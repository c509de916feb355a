//! Connections that take jobs one by one: who gets the next one, and who has waited for too long.

use std::time::Duration;

use crate::engine::{
    Conn, Engine, JobAnswer, Output,
    state::{ChannelState, Due, JobPlace, Place, Time, Wait},
};

/// How long before the end of the time of a job that it has, a waiting connection is woken.
const MARGIN: Duration = Duration::from_secs(1);

impl<M: Clone> Engine<M> {
    /// Hands the first ready job of the watched tubes to a connection, or lets it wait for one.
    pub(crate) fn reserve(&mut self, conn: Conn, timeout: Option<Duration>, out: &mut Vec<Output<M>>) {
        if self.is_deadline_soon(conn) && !self.has_ready(conn) {
            out.push(Output::Job { conn, answer: JobAnswer::DeadlineSoon });
            return;
        }
        while let Some((key, slot)) = self.first_job(conn) {
            if let Some(channel) = self.channels.get_mut(key) {
                channel.waiting.pop_first();
            }
            self.mark_job(slot, JobPlace::Moving);
            if self.messages.get(slot).is_some_and(|message| message.expires <= self.now) {
                self.expire(slot, out);
            } else {
                self.grant(conn, slot, out);
                return;
            }
        }
        if timeout == Some(Duration::ZERO) {
            out.push(Output::Job { conn, answer: JobAnswer::TimedOut });
        } else {
            self.begin_waiting(conn, timeout);
        }
    }

    /// Hands a job that is in no index to a connection that waits.
    pub(crate) fn serve(&mut self, conn: Conn, slot: u32, out: &mut Vec<Output<M>>) {
        self.stop_waiting(conn);
        self.grant(conn, slot, out);
    }

    /// Hands a job that is in no index to a connection.
    pub(crate) fn grant(&mut self, conn: Conn, slot: u32, out: &mut Vec<Output<M>>) {
        let Some(jobs) = &mut self.jobs else { return };
        let Some(puller) = jobs.pullers.get_mut(&conn) else { return };
        let Some(message) = self.messages.get(slot) else { return };
        let Some(consumer) = self.consumers.get_mut(puller.consumer) else { return };
        let ttr = jobs.get(message.seq).map_or(1, |job| job.facts.ttr);
        let deadline = self.now.after(Duration::from_secs(ttr.into()));
        let position = u32::try_from(consumer.held.len()).unwrap_or(u32::MAX);
        let Some(puller) = jobs.pullers.get_mut(&conn) else { return };
        let Some(lease) = self.leases.grant(slot, puller.consumer, position, deadline) else { return };
        self.timers.set_lease(deadline, lease);
        consumer.held.push(lease.slot);
        puller.hold(deadline, lease);
        if let Some(channel) = self.channels.get_mut(message.channel) {
            channel.leased += 1;
            channel.counters.redelivered += u64::from(message.attempts > 0);
        }
        if let Some(facts) = jobs.facts_mut(message.seq) {
            facts.reserves = facts.reserves.saturating_add(1);
        }
        out.push(Output::Job { conn, answer: JobAnswer::Reserved(message.seq, message.body.clone()) });
        self.mark_job(slot, JobPlace::Reserved(lease));
    }

    /// The first ready job of all tubes that a connection watches, by priority and number.
    fn first_job(&self, conn: Conn) -> Option<(u32, u32)> {
        let puller = self.jobs.as_ref()?.pullers.get(&conn)?;
        let open = |channel: &&ChannelState| channel.paused_until <= self.now;
        let first = |key: &u32| -> Option<(Place, u32, u32)> {
            let (place, slot) = self.channels.get(*key).filter(open)?.waiting.first()?;
            Some((place, *key, slot))
        };
        puller.watched.iter().filter_map(first).min().map(|(_, key, slot)| (key, slot))
    }
}

impl<M> Engine<M> {
    fn has_ready(&self, conn: Conn) -> bool {
        let puller = self.jobs.as_ref().and_then(|jobs| jobs.pullers.get(&conn));
        let ready = |key: &u32| self.channels.get(*key).is_some_and(|channel| !channel.waiting.is_empty());
        puller.is_some_and(|puller| puller.watched.iter().any(ready))
    }

    /// When the first lease of a connection ends.
    fn soonest(&mut self, conn: Conn) -> Option<Time> {
        self.jobs.as_mut()?.pullers.get_mut(&conn)?.soonest(&self.leases)
    }

    fn is_deadline_soon(&mut self, conn: Conn) -> bool {
        let now = self.now;
        self.soonest(conn).is_some_and(|deadline| deadline.before(MARGIN) <= now)
    }

    fn begin_waiting(&mut self, conn: Conn, timeout: Option<Duration>) {
        let margin = self.soonest(conn).map_or(Time::NEVER, |deadline| deadline.before(MARGIN));
        let until = timeout.map_or(Time::NEVER, |timeout| self.now.after(timeout)).min(margin);
        let Some(jobs) = &mut self.jobs else { return };
        let number = jobs.next_wait;
        let Some(puller) = jobs.pullers.get_mut(&conn) else { return };
        puller.waiting = Some(Wait { number, timed: until != Time::NEVER });
        for key in &puller.watched {
            if let Some(channel) = self.channels.get_mut(*key) {
                channel.tube.waiters.insert(number, conn);
            }
        }
        jobs.next_wait += 1;
        jobs.totals.waiting += 1;
        self.timers.others.set(until, Due::Wait { conn, number });
    }

    /// Ends a connection's wait. Returns whether it waited.
    pub(crate) fn stop_waiting(&mut self, conn: Conn) -> bool {
        let Some(jobs) = &mut self.jobs else { return false };
        let Some(puller) = jobs.pullers.get_mut(&conn) else { return false };
        let Some(wait) = puller.waiting.take() else { return false };
        jobs.totals.waiting -= 1;
        if wait.timed {
            self.timers.others.cancel();
        }
        for key in &puller.watched {
            if let Some(channel) = self.channels.get_mut(*key) {
                channel.tube.waiters.remove(&wait.number);
            }
        }
        true
    }

    /// Waits no more because the client will not hear of it.
    pub(crate) fn give_up_waiting(&mut self, conn: Conn, out: &mut Vec<Output<M>>) {
        if self.stop_waiting(conn) {
            out.push(Output::Job { conn, answer: JobAnswer::TimedOut });
        }
    }

    /// A wait's time is over, unless a job comes in this very step.
    pub(crate) fn note_overdue(&mut self, conn: Conn, number: u64) {
        if let Some(jobs) = &mut self.jobs {
            jobs.overdue.push((conn, number));
        }
    }

    /// Ends the waits whose time is over.
    pub(crate) fn end_waits(&mut self, out: &mut Vec<Output<M>>) {
        let overdue = self.jobs.as_mut().map_or_else(Vec::new, |jobs| std::mem::take(&mut jobs.overdue));
        for (conn, number) in overdue {
            self.end_wait(conn, number, out);
        }
    }

    fn end_wait(&mut self, conn: Conn, number: u64, out: &mut Vec<Output<M>>) {
        let wait = self.jobs.as_ref().and_then(|jobs| jobs.pullers.get(&conn)?.waiting);
        if wait.is_none_or(|wait| wait.number != number) {
            return;
        }
        self.stop_waiting(conn);
        let answer = if self.is_deadline_soon(conn) { JobAnswer::DeadlineSoon } else { JobAnswer::TimedOut };
        out.push(Output::Job { conn, answer });
    }
}
