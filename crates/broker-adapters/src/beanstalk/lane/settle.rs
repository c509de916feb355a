//! What a worker does with its deliveries.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom_core::{
    Envelope, Guid,
    broker::{Ack, AckSender, BrokerError, Lease, Leases, Settlement},
};
use tokio::time::Instant;

use super::{
    super::{
        codec::{Command, Reply, Stats, whole_seconds},
        job::{self, Notes},
        shared::lock,
    },
    consumer::Lane,
    state::{Held, Job, State},
    todo::{How, Todo},
};
use crate::remote::{Absence, Notice};

/// The longest reason that is kept, in bytes.
const REASON: usize = 512;

/// So many parts of streams may wait to be sent before a handler has to wait, too.
const PARTS: usize = 64;

impl Leases for Lane {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        let (sender, ack) = Ack::waiting();
        let settled = self.change(|state| {
            state.live(lease.number)?;
            let Some(held) = state.held.remove(&lease.number) else { return Err(BrokerError::Stale) };
            self.end(state, held, settlement, Some(sender));
            Ok(())
        });
        settled.map_or_else(|error| Ack::ready(Err(error)), |()| ack)
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        let sent = self.change(|state| {
            let held = state.live(lease.number)?;
            let Some(inbox) = held.envelope.reply_to else { return Ok(Ack::ready(Ok(()))) };
            let only = held.job.is_none();
            held.stream.get_or_insert_default();
            let (sender, ack) = match state.todo.len() < PARTS {
                true => (None, Ack::ready(Ok(()))),
                false => {
                    let (sender, ack) = Ack::waiting();
                    (Some(sender), ack)
                }
            };
            state.todo.push(Todo::Reply { inbox, envelope: reply, only, ends: None, ack: sender });
            Ok(ack)
        });
        sent.unwrap_or_else(|error| Ack::ready(Err(error)))
    }

    fn extend(&self, lease: Lease) -> Ack {
        // The connection begins the job's time anew by itself for as long as this lease lasts.
        let mut state = lock(&self.state);
        let extended = state.live(lease.number).map(|held| {
            held.ends = Instant::now() + self.options.lease;
            held.envelope.reply_to.zip(held.stream.clone())
        });
        match extended {
            Ok(Some((inbox, absence))) => self.if_read(inbox, absence),
            extended => Ack::ready(extended.map(drop)),
        }
    }

    fn once(&self, lease: Lease) -> Ack {
        let (sender, ack) = Ack::waiting();
        let claimed = self.change(|state| {
            if state.live(lease.number)?.job.is_some() {
                state.todo.push(Todo::Claim { number: lease.number, ack: sender });
            } else {
                sender.send(Ok(()));
            }
            Ok(())
        });
        claimed.map_or_else(|error| Ack::ready(Err(error)), |()| ack)
    }
}

impl Lane {
    /// Ends well if somebody watches a stream's inbox, or did a moment ago.
    fn if_read(&self, inbox: Guid, absence: Arc<Mutex<Absence>>) -> Ack {
        let asked = self.shared.ask(None, Command::StatsTube(&self.shared.options.names.inbox(inbox)));
        Ack::running(async move {
            let is_read = match asked.await {
                Ok(Ok(Reply::Ok(stats))) => Stats::of(&stats).number("current-watching") != Some(0),
                Ok(Ok(Reply::NotFound)) => false,
                _ => true,
            };
            lock(&absence).note(is_read, Instant::now())
        })
    }

    /// Ends a delivery.
    fn end(&self, state: &mut State, held: Held, settlement: Settlement, ack: Option<AckSender>) {
        let claimed = held.job.is_none();
        match settlement {
            Settlement::Reply(reply) => {
                let Some(inbox) = held.envelope.reply_to else { return state.finish(held.job, ack) };
                // With the last of a job the job ends, and says how both went.
                let is_last = |job: &Job| job.left == 1 && !job.exchanged;
                let ends = held.job.filter(|job| state.jobs.get(job).is_some_and(is_last));
                let (now, later) = if ends.is_some() { (None, ack) } else { (ack, None) };
                state.todo.push(Todo::Reply { inbox, envelope: reply, only: claimed, ends, ack: now });
                state.finish(held.job, later);
            }
            Settlement::Bury { reason } => self.kill(state, held, reason, ack),
            Settlement::Retry { .. } | Settlement::Release | Settlement::Done if claimed => {
                self.tell(state, &held, &BrokerError::lost("its only attempt ended without a reply"));
                state.finish(None, ack);
            }
            Settlement::Done => state.finish(held.job, ack),
            Settlement::Retry { delay, reason } => self.fail(state, held, 0, (delay, reason), ack),
            Settlement::Release => self.give_back(state, held, ack),
        }
    }

    /// A lease has ended before its worker did.
    pub(super) fn expire(&self, state: &mut State, held: Held) {
        let lease = self.options.lease;
        if held.job.is_none() {
            return self.tell(state, &held, &BrokerError::lost("the lease of its only attempt has ended"));
        }
        let reason = format!("its lease of {lease:?} ended before it was settled");
        let losses = held.notes.losses.saturating_add(1);
        self.fail(state, held, losses, (Duration::ZERO, reason), None);
    }

    /// A failed attempt, after so many that were lost in a row: another is made, or it is dead.
    fn fail(
        &self,
        state: &mut State,
        mut held: Held,
        losses: u32,
        (delay, reason): (Duration, String),
        ack: Option<AckSender>,
    ) {
        if held.attempt >= self.options.max_attempts {
            return self.kill(state, held, reason, ack);
        }
        // As the server counts, a job that is released has as many losses as before.
        let is_told = std::mem::replace(&mut held.notes.losses, losses) != losses;
        let may_grow = held.envelope.encoded_len() + job::OVERHEAD <= self.shared.largest_job();
        let Some((id, priority)) = alone(state, &held).filter(|_| !(is_told && may_grow)) else {
            let attempts = held.attempt;
            return self.put_back(state, held, attempts, delay, ack);
        };
        state.jobs.remove(&id);
        let how = How::Release { priority, delay: whole_seconds(delay) };
        state.todo.push(Todo::End { job: id, how, ack });
    }

    /// It was not touched.
    fn give_back(&self, state: &mut State, held: Held, ack: Option<AckSender>) {
        let Some((id, priority)) = alone(state, &held) else {
            let attempts = held.attempt.saturating_sub(1);
            return self.put_back(state, held, attempts, Duration::ZERO, ack);
        };
        state.jobs.remove(&id);
        state.todo.push(Todo::End { job: id, how: How::GiveBack { priority }, ack });
    }

    /// It leaves the job that it came in with others, for one of its own.
    fn put_back(&self, state: &mut State, held: Held, attempts: u32, delay: Duration, ack: Option<AckSender>) {
        let priority = held.job.and_then(|job| state.jobs.get(&job)).map_or(0, |job| job.priority);
        let body = job::single(&held.envelope, &Notes { attempts, ..held.notes }).freeze();
        let delay = whole_seconds(delay);
        state.todo.push(Todo::Put { tube: None, priority, delay, body, came_in: held.job, ack });
    }

    /// It becomes a dead letter, and its caller is told.
    pub(super) fn kill(&self, state: &mut State, held: Held, mut reason: String, ack: Option<AckSender>) {
        reason.truncate(reason.floor_char_boundary(REASON));
        let attempts = held.attempt.min(self.options.max_attempts.max(1));
        self.tell(state, &held, &BrokerError::Dead { attempts, reason: reason.clone() });
        let notes = Notes { attempts, reason: Some(reason.clone()), died: Some(job::now_ms()), ..Notes::default() };
        let largest = self.shared.largest_job();
        let body = job::letter(&held.envelope, notes, largest).freeze();
        if body.len() > largest
            && let Some((id, _)) = alone(state, &held)
        {
            tracing::warn!(channel = %self.channel, job = id, reason, "a job that leaves no room for its reason is buried where it is");
            state.jobs.remove(&id);
            return state.todo.push(Todo::End { job: id, how: How::Bury, ack });
        }
        let tube = Some(self.shared.options.names.dead(&self.channel));
        let priority = skyloom_core::broker::EnqueueOptions::DEFAULT_PRIORITY;
        state.todo.push(Todo::Put { tube, priority, delay: 0, body, came_in: held.job, ack });
    }

    /// Tells the caller why there is no reply.
    pub(super) fn tell(&self, state: &mut State, held: &Held, error: &BrokerError) {
        if let Some(inbox) = held.envelope.reply_to {
            let envelope = Arc::new(Notice::write(held.envelope.id, error));
            state.todo.push(Todo::Reply { inbox, envelope, only: true, ends: None, ack: None });
        }
    }
}

/// The job of a delivery that has it for itself, and the job's priority.
fn alone(state: &State, held: &Held) -> Option<(u64, u32)> {
    let id = held.job?;
    let job = state.jobs.get(&id)?;
    (!job.several && !job.exchanged).then_some((id, job.priority))
}
