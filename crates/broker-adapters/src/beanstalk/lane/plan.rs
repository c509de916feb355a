//! From what is to be said to one write, and what the answers to it mean.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError, EnqueueOptions},
};

use super::{
    super::{
        codec::Command,
        job::{self, Notes},
    },
    consumer::Lane,
    state::State,
    todo::{Claim, How, Todo},
};
use crate::remote::Notice;

/// How large a job of several replies becomes, in bytes.
const BUNDLE_BYTES: usize = 64 << 10;

/// What an answer is for.
pub(super) enum Expect {
    Nothing,
    /// The end of a job.
    End {
        job: u64,
        ack: Option<AckSender>,
    },
    /// A job of replies, and the jobs that end with it.
    Put {
        acks: Vec<AckSender>,
        ends: Vec<u64>,
        length: usize,
    },
    /// A job of its own for an envelope that came in another.
    Kept {
        came_in: Option<u64>,
        ack: Option<AckSender>,
        length: usize,
    },
    Stopped(Vec<AckSender>),
    /// The deletion of a job by which deliveries become the last.
    Claimed(Vec<Claim>),
    /// The job that takes the place of another, except for these deliveries.
    Rest {
        old: u64,
        claims: Vec<Claim>,
        length: usize,
    },
    /// The reservation of the job that takes the place of another.
    Taken {
        old: u64,
        new: u64,
    },
    Stats {
        job: u64,
        body: Bytes,
    },
    Reserve,
}

/// One write.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) out: BytesMut,
    pub(super) expected: Vec<Expect>,
    /// The tube that is used for what is put.
    pub(super) used: String,
}

/// The replies to an inbox, who waits for them, and the jobs that end with them.
type Replies = (Guid, Vec<Arc<Envelope>>, Vec<AckSender>, Vec<u64>);

impl Plan {
    pub(super) fn say(&mut self, command: Command<'_>, expect: Expect) {
        command.encode(&mut self.out);
        self.expected.push(expect);
    }

    /// Says a `put` into a tube.
    fn put(&mut self, tube: &str, put: Command<'_>, expect: Expect) {
        if self.used != tube {
            self.say(Command::Use(tube), Expect::Nothing);
            tube.clone_into(&mut self.used);
        }
        self.say(put, expect);
    }
}

impl Lane {
    /// Writes down all that is to be said: what is kept, then replies, and the ends of jobs after that.
    pub(super) fn plan(&self, state: &mut State, plan: &mut Plan) {
        if !state.stopping.is_empty() {
            plan.say(Command::Ignore(&self.tube), Expect::Stopped(std::mem::take(&mut state.stopping)));
        }
        let ttr = self.shared.options.ttr;
        let (mut replies, mut ends, mut claims) = (Vec::<Replies>::new(), Vec::new(), Vec::new());
        let mut puts = Vec::new();
        for todo in std::mem::take(&mut state.todo) {
            match todo {
                Todo::Reply { inbox, envelope, ends: end, ack, .. } => {
                    let at = replies.iter().position(|(other, ..)| *other == inbox).unwrap_or_else(|| {
                        replies.push((inbox, Vec::new(), Vec::new(), Vec::new()));
                        replies.len() - 1
                    });
                    if let Some((_, envelopes, acks, ends)) = replies.get_mut(at) {
                        envelopes.push(envelope);
                        acks.extend(ack);
                        ends.extend(end);
                    }
                }
                put @ Todo::Put { .. } => puts.push(put),
                Todo::End { job, how, ack } => ends.push((job, how, ack)),
                Todo::Claim { number, ack } => claims.push((number, ack)),
                Todo::Exchange { old, new, claims } => {
                    plan.say(Command::ReserveJob(new), Expect::Taken { old, new });
                    plan.say(Command::Delete(old), Expect::Claimed(claims));
                }
            }
        }
        for put in puts {
            let Todo::Put { tube, priority, delay, body, came_in, ack } = put else { continue };
            let expect = Expect::Kept { came_in, ack, length: body.len() };
            let put = Command::Put { priority, delay, ttr, body: &body };
            plan.put(tube.as_ref().unwrap_or(&self.tube), put, expect);
        }
        for replies in replies {
            self.plan_replies(replies, plan);
        }
        for (job, how, ack) in ends {
            plan_end(job, how, ack, plan);
        }
        self.plan_claims(state, claims, plan);
    }

    fn plan_replies(&self, (inbox, envelopes, mut acks, mut ends): Replies, plan: &mut Plan) {
        let largest = self.shared.largest_job();
        let limit = largest.min(BUNDLE_BYTES);
        let (mut members, mut bytes): (Vec<Arc<Envelope>>, usize) = (Vec::new(), 0);
        let tube = self.shared.options.names.inbox(inbox);
        let (ttr, priority) = (self.shared.options.ttr, EnqueueOptions::DEFAULT_PRIORITY);
        let mut flush = |members: &mut Vec<Arc<Envelope>>, acks: Vec<AckSender>, ends: Vec<u64>| {
            let noted: Vec<_> = members.iter().map(|member| (&**member, Notes::default())).collect();
            let body = job::bundle(&noted).freeze();
            let put = Command::Put { priority, delay: 0, ttr, body: &body };
            plan.put(&tube, put, Expect::Put { acks, ends, length: body.len() });
            members.clear();
        };
        for mut envelope in envelopes {
            let mut length = envelope.encoded_len() + job::OVERHEAD;
            if length > largest {
                let error = BrokerError::TooLarge { size: length, limit: largest };
                envelope = Arc::new(Notice::write(envelope.id, &error));
                length = envelope.encoded_len() + job::OVERHEAD;
            }
            if !members.is_empty() && (bytes + length > limit || self.shared.options.bundle == 1) {
                flush(&mut members, Vec::new(), Vec::new());
                bytes = 0;
            }
            bytes += length;
            members.push(envelope);
        }
        if !members.is_empty() {
            flush(&mut members, std::mem::take(&mut acks), std::mem::take(&mut ends));
        }
    }

    /// Deliveries that are to be the last must be in no job. What else was in their job gets another.
    fn plan_claims(&self, state: &mut State, claims: Vec<Claim>, plan: &mut Plan) {
        let mut by_job: Vec<(u64, Vec<Claim>)> = Vec::new();
        for (number, ack) in claims {
            let Some(held) = state.held.get_mut(&number) else {
                // It was settled meanwhile.
                ack.send(Err(BrokerError::Stale));
                continue;
            };
            let Some(job) = held.job.take() else {
                ack.send(Ok(()));
                continue;
            };
            if let Some(job) = state.jobs.get_mut(&job) {
                job.left = job.left.saturating_sub(1);
            }
            match by_job.iter_mut().find(|(id, _)| *id == job) {
                Some((_, claims)) => claims.push((number, ack)),
                None => by_job.push((job, vec![(number, ack)])),
            }
        }
        for (old, claims) in by_job {
            let Some(job) = state.jobs.get_mut(&old).filter(|job| job.left > 0) else {
                state.jobs.remove(&old);
                plan.say(Command::Delete(old), Expect::Claimed(claims));
                continue;
            };
            job.exchanged = true;
            let (priority, ttr) = (job.priority, self.shared.options.ttr);
            let body = rest_of(state, old);
            let expect = Expect::Rest { old, claims, length: body.len() };
            // Held back, so that nobody else takes it before this connection does.
            plan.put(&self.tube, Command::Put { priority, delay: ttr, ttr, body: &body }, expect);
        }
    }
}

/// What of a job is not settled, as another job.
fn rest_of(state: &State, job: u64) -> Bytes {
    let mut held: Vec<_> = state.held.iter().filter(|(_, held)| held.job == Some(job)).collect();
    held.sort_unstable_by_key(|(number, _)| **number);
    let held = held.into_iter().map(|(_, held)| (&held.envelope, &held.notes, held.attempt));
    let surplus = state.surplus.iter().filter(|arrived| arrived.job == job);
    let surplus = surplus.map(|arrived| (&arrived.envelope, &arrived.notes, arrived.attempt));
    let noted: Vec<(&Envelope, Notes)> = held
        .chain(surplus)
        .map(|(envelope, notes, attempt)| (&**envelope, Notes { attempts: attempt.saturating_sub(1), ..notes.clone() }))
        .collect();
    job::bundle(&noted).freeze()
}

fn plan_end(job: u64, how: How, ack: Option<AckSender>, plan: &mut Plan) {
    match how {
        How::Delete => plan.say(Command::Delete(job), Expect::End { job, ack }),
        How::Release { priority, delay } => {
            plan.say(Command::Release { id: job, priority, delay }, Expect::End { job, ack });
        }
        How::GiveBack { priority } => {
            plan.say(Command::Bury { id: job, priority }, Expect::Nothing);
            plan.say(Command::KickJob(job), Expect::End { job, ack });
        }
        How::Bury => plan.say(Command::Bury { id: job, priority: 0 }, Expect::End { job, ack }),
    }
}
