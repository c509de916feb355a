//! What the answers of the server mean for what a consumer holds.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::broker::{AckSender, BrokerError, Delivery, Lease, Leases};
use tokio::time::Instant;

use super::{
    super::{
        codec::{Reply, Stats},
        job,
        sender::inserted,
        shared::lock,
    },
    consumer::Lane,
    plan::Expect,
    state::{Arrived, Held, Job, State},
    todo::{Claim, How, Todo},
};

/// What one exchange with the server has brought.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Jobs that were reserved; how often, is not known yet.
    pub(super) fresh: Vec<Fresh>,
    /// How many were asked for, without the one that has only ended the wait.
    pub(super) asked: usize,
    /// The time of a job is about to end.
    pub(super) is_late: bool,
    /// Jobs that end although their replies were refused, and why.
    unanswered: HashMap<u64, BrokerError>,
}

/// A job that was reserved.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) id: u64,
    pub(super) body: Bytes,
}

impl Lane {
    /// Takes an answer.
    pub(super) fn answered(&self, expect: Expect, reply: Reply, round: &mut Round) {
        match (expect, reply) {
            (Expect::Nothing, _) => {}
            (Expect::Reserve, Reply::Reserved { id, body }) if body.is_empty() => {
                // It has only ended the wait.
                lock(&self.state).todo.push(Todo::End { job: id, how: How::Delete, ack: None });
            }
            (Expect::Reserve, reply) => {
                round.asked += 1;
                round.is_late |= reply == Reply::DeadlineSoon;
                if let Reply::Reserved { id, body } = reply {
                    round.fresh.push(Fresh { id, body });
                }
            }
            (Expect::End { job, ack }, reply) => {
                let result = round.unanswered.remove(&job).map_or_else(|| ended(&reply), Err);
                ack.into_iter().for_each(|ack| ack.send(result.clone()));
            }
            (Expect::Stopped(acks), _) => acks.into_iter().for_each(|ack| ack.send(Ok(()))),
            (Expect::Put { acks, ends, length }, reply) => {
                let result = inserted(reply, length).map(drop);
                acks.into_iter().for_each(|ack| ack.send(result.clone()));
                if let Err(error) = result {
                    round.unanswered.extend(ends.into_iter().map(|job| (job, error.clone())));
                }
            }
            (Expect::Kept { came_in, ack, length }, reply) => self.kept(came_in, ack, inserted(reply, length)),
            (Expect::Claimed(claims), reply) => self.claimed(claims, &reply),
            (Expect::Rest { old, claims, length }, reply) => self.rest(old, claims, inserted(reply, length)),
            (Expect::Taken { old, new }, reply) => exchanged(&mut lock(&self.state), old, new, &reply),
            (Expect::Stats { job, body }, Reply::Ok(stats)) => self.arrived(job, body, &Stats::of(&stats)),
            // Somebody has deleted it.
            (Expect::Stats { .. }, _) => {}
        }
    }

    fn kept(&self, came_in: Option<u64>, ack: Option<AckSender>, result: Result<u64, BrokerError>) {
        let mut state = lock(&self.state);
        match result {
            Ok(_) => state.finish(came_in, ack),
            Err(error) => {
                tracing::warn!(channel = %self.channel, %error, "work could not be put back and waits for its time to run out");
                came_in.and_then(|job| state.jobs.remove(&job));
                ack.into_iter().for_each(|ack| ack.send(Err(error.clone())));
            }
        }
    }

    fn claimed(&self, claims: Vec<Claim>, reply: &Reply) {
        for (number, ack) in claims {
            let result = ended(reply);
            if result.is_err() {
                lock(&self.state).held.remove(&number);
            }
            ack.send(result);
        }
    }

    fn rest(&self, old: u64, claims: Vec<Claim>, put: Result<u64, BrokerError>) {
        let mut state = lock(&self.state);
        let error = match put {
            Ok(new) => return state.todo.push(Todo::Exchange { old, new, claims }),
            Err(error) => error,
        };
        for (number, ack) in claims {
            let State { held, jobs, .. } = &mut *state;
            if let (Some(held), Some(job)) = (held.get_mut(&number), jobs.get_mut(&old)) {
                held.job = Some(old);
                job.left += 1;
                job.exchanged = false;
            }
            ack.send(Err(error.clone()));
        }
    }

    /// A job is here, and how often it was reserved is known.
    fn arrived(&self, id: u64, body: Bytes, stats: &Stats<'_>) {
        let mut state = lock(&self.state);
        let Some(items) = job::read(body) else {
            tracing::warn!(channel = %self.channel, job = id, "a job that is no envelope was buried");
            return state.todo.push(Todo::End { job: id, how: How::Bury, ack: None });
        };
        let count = |key| stats.number::<u32>(key).unwrap_or_default();
        // What is given back untouched was kicked, and nothing else is.
        let reserves = count("reserves").saturating_sub(count("kicks")).max(1);
        // What a worker has tried in vain was released; if there were losses before, it has become another job.
        let losses = (reserves - 1).saturating_sub(count("releases"));
        let priority = count("pri");
        if state.is_stopped() {
            return state.todo.push(Todo::End { job: id, how: How::GiveBack { priority }, ack: None });
        }
        let (left, ttr) = (items.len(), Duration::from_secs(count("ttr").max(1).into()));
        let job = Job { left, several: left > 1, priority, ttr, begun: Instant::now(), exchanged: false };
        state.jobs.insert(id, job);
        for mut item in items {
            item.notes.losses = item.notes.losses.saturating_add(losses);
            let attempt = item.notes.attempts.saturating_add(reserves);
            let envelope = Arc::new(item.envelope);
            if attempt > self.options.max_attempts.max(1) {
                let reason = format!("none of its {} attempts came to an end: its workers died", attempt - 1);
                let (ends, stream) = (Instant::now(), None);
                let held = Held { job: Some(id), envelope, notes: item.notes, attempt, ends, stream };
                self.kill(&mut state, held, reason, None);
            } else {
                state.surplus.push_back(Arrived { job: id, envelope, notes: item.notes, attempt });
            }
        }
    }

    /// Hands over what there is credit for. What is too late is dropped, and its caller told.
    pub(super) fn hand_over(self: &Arc<Self>, state: &mut State) {
        while state.held.len() < self.options.credit as usize {
            let Some(Arrived { job, envelope, notes, attempt }) = state.surplus.pop_front() else { return };
            let now = Instant::now();
            let left = envelope.budget.map(|budget| budget.saturating_sub(notes.age()));
            // Without the time of sending, its budget begins here.
            let (ends, stream) = (now + self.options.lease, None);
            let held = Held { job: Some(job), envelope, notes, attempt, ends, stream };
            if left.is_some_and(|left| left.is_zero()) {
                self.tell(state, &held, &BrokerError::expired_after(attempt.saturating_sub(1)));
                state.finish(held.job, None);
                continue;
            }
            state.last_number += 1;
            let losses = held.notes.losses;
            let lease = Lease { slot: 0, number: state.last_number };
            let leases = Arc::clone(self) as Arc<dyn Leases>;
            let delivery = Delivery::new(Arc::clone(&held.envelope), lease, self.options.lease, leases)
                .with_attempt(attempt)
                .with_losses(losses)
                .with_deadline(left.map(|left| now + left));
            state.held.insert(lease.number, held);
            let Some(deliveries) = state.deliveries.clone() else { return };
            if let Err(unheard) = deliveries.send(delivery) {
                // The consumer was dropped and is about to stop. Dropped here, the delivery would lock the state.
                self.shared.spawn(async move { drop(unheard.0.settle(skyloom_core::broker::Settlement::Release)) });
            }
        }
    }
}

/// How a job has ended.
fn ended(reply: &Reply) -> Result<(), BrokerError> {
    match reply {
        Reply::Deleted | Reply::Released | Reply::Kicked | Reply::Touched | Reply::Buried(_) => Ok(()),
        Reply::NotFound => Err(BrokerError::Stale),
        other => Err(BrokerError::refused(format!("beanstalkd answered {other:?} when the work was settled"))),
    }
}

/// What is left of a job is another job now.
fn exchanged(state: &mut State, old: u64, new: u64, reply: &Reply) {
    let Some(job) = state.jobs.remove(&old) else { return };
    if !matches!(reply, Reply::Reserved { .. }) {
        state.held.retain(|_, held| held.job != Some(old));
        return state.surplus.retain(|arrived| arrived.job != old);
    }
    if job.left == 0 {
        return state.todo.push(Todo::End { job: new, how: How::Delete, ack: None });
    }
    state.jobs.insert(new, Job { exchanged: false, begun: Instant::now(), ..job });
    state.held.values_mut().filter(|held| held.job == Some(old)).for_each(|held| held.job = Some(new));
    state.surplus.iter_mut().filter(|arrived| arrived.job == old).for_each(|arrived| arrived.job = new);
}
