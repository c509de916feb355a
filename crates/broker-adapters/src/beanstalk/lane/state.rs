//! What a consumer holds.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom_core::{
    Envelope,
    broker::{AckSender, BrokerError, Delivery},
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    super::job::Notes,
    todo::{How, Todo},
};
use crate::remote::Absence;

type Map<T> = HashMap<u64, T, foldhash::fast::RandomState>;

/// What a consumer holds.
pub(super) struct State {
    /// `None` once it is stopped.
    pub(super) deliveries: Option<mpsc::UnboundedSender<Delivery>>,
    /// Who waits for the stop to be confirmed.
    pub(super) stopping: Vec<AckSender>,
    /// What the worker has, by the number of its lease.
    pub(super) held: Map<Held>,
    /// What the worker has no credit for.
    pub(super) surplus: VecDeque<Arrived>,
    pub(super) jobs: Map<Job>,
    pub(super) todo: Vec<Todo>,
    /// The connection waits in `reserve`.
    pub(super) waits: bool,
    pub(super) last_number: u64,
    /// No connection will be made any more.
    is_over: bool,
}

/// An envelope that has come and was not handed over.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) job: u64,
    pub(super) envelope: Arc<Envelope>,
    pub(super) notes: Notes,
    pub(super) attempt: u32,
}

/// A delivery that the worker has.
#[derive(Debug)]
pub(super) struct Held {
    /// The job that it is in; `None` if it is the last attempt, for which there is no job any more.
    pub(super) job: Option<u64>,
    pub(super) envelope: Arc<Envelope>,
    pub(super) notes: Notes,
    pub(super) attempt: u32,
    /// When its lease ends.
    pub(super) ends: Instant,
    /// Whether the stream is read that it sends, if it does.
    pub(super) stream: Option<Arc<Mutex<Absence>>>,
}

/// A job that this connection has reserved.
#[derive(Debug)]
pub(super) struct Job {
    /// How many of its envelopes are not settled.
    pub(super) left: usize,
    /// It came with more than one.
    pub(super) several: bool,
    pub(super) priority: u32,
    pub(super) ttr: Duration,
    /// When the server began to count its time to run, at the earliest.
    pub(super) begun: Instant,
    /// Another job is taking its place.
    pub(super) exchanged: bool,
}

impl Job {
    /// When its time to run is to be begun anew.
    fn due(&self) -> Instant {
        self.begun + self.ttr / 3
    }
}

impl State {
    pub(super) fn new(deliveries: mpsc::UnboundedSender<Delivery>) -> Self {
        Self {
            deliveries: Some(deliveries),
            stopping: Vec::new(),
            held: Map::default(),
            surplus: VecDeque::new(),
            jobs: Map::default(),
            todo: Vec::new(),
            waits: false,
            last_number: 0,
            is_over: false,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.deliveries.is_none()
    }

    /// Whether there is nothing left to do once it is stopped.
    pub(super) fn is_done(&self) -> bool {
        self.is_stopped() && self.stopping.is_empty() && self.held.is_empty() && self.todo.is_empty()
    }

    /// No more deliveries. What the worker has not seen is given back.
    pub(super) fn stop(&mut self, stopped: AckSender) {
        if self.is_over {
            return stopped.send(Ok(()));
        }
        self.stopping.push(stopped);
        self.deliveries = None;
        for arrived in std::mem::take(&mut self.surplus) {
            self.todo.push(Todo::Put {
                tube: None,
                priority: self.jobs.get(&arrived.job).map_or(0, |job| job.priority),
                delay: 0,
                body: super::super::job::single(&arrived.envelope, &arrived.notes_before()).freeze(),
                came_in: Some(arrived.job),
                ack: None,
            });
        }
    }

    /// One envelope of a job is settled; the last one ends it.
    pub(super) fn finish(&mut self, job: Option<u64>, ack: Option<AckSender>) {
        let Some((id, job)) = job.and_then(|id| Some((id, self.jobs.get_mut(&id)?))) else {
            ack.into_iter().for_each(|ack| ack.send(Ok(())));
            return;
        };
        job.left = job.left.saturating_sub(1);
        if job.left > 0 || job.exchanged {
            ack.into_iter().for_each(|ack| ack.send(Ok(())));
        } else {
            self.jobs.remove(&id);
            self.todo.push(Todo::End { job: id, how: How::Delete, ack });
        }
    }

    /// The next moment at which a lease ends or a job's time is to be begun anew.
    pub(super) fn due(&self) -> Option<Instant> {
        let leases = self.held.values().map(|held| held.ends);
        leases.chain(self.jobs.values().map(Job::due)).min()
    }

    /// The jobs whose time is to be begun anew now.
    pub(super) fn touch_due(&mut self, now: Instant) -> Vec<u64> {
        let due = self.jobs.iter_mut().filter(|(_, job)| job.due() <= now);
        due.map(|(id, job)| {
            job.begun = now;
            *id
        })
        .collect()
    }

    /// The connection is gone: the server gives the jobs to others. What has no job any more stays.
    pub(super) fn lose_jobs(&mut self) {
        self.jobs.clear();
        self.surplus.clear();
        self.held.retain(|_, held| held.job.is_none());
        for todo in std::mem::take(&mut self.todo) {
            match todo {
                Todo::Reply { only: true, .. } => self.todo.push(todo),
                other => other.fail(),
            }
        }
        if self.is_stopped() {
            self.stopping.drain(..).for_each(|stopped| stopped.send(Ok(())));
        }
    }

    /// There will be no other connection.
    pub(super) fn end(&mut self) {
        self.deliveries = None;
        self.is_over = true;
        self.lose_jobs();
        self.held.clear();
        self.todo.drain(..).for_each(Todo::fail);
    }

    /// The delivery of a lease that has not ended.
    pub(super) fn live(&mut self, number: u64) -> Result<&mut Held, BrokerError> {
        let now = Instant::now();
        self.held.get_mut(&number).filter(|held| held.ends > now).ok_or(BrokerError::Stale)
    }
}

impl Arrived {
    /// Its notes for a job of its own, in which this delivery does not count.
    pub(super) fn notes_before(&self) -> Notes {
        Notes { attempts: self.attempt.saturating_sub(1), ..self.notes.clone() }
    }
}
