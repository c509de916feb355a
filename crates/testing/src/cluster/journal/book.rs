//! [`Journal`] itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skyloom_core::{Channel, Envelope, Guid, QueueName, broker::Delivery};
use tokio::{
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    time::Instant,
};

use super::record::{Attempt, End, Record};
use crate::cluster::target::Place;

/// How many messages are kept: more than a test can mean, and some 100 MB of small ones.
pub(crate) const MESSAGES: usize = 100_000;

/// Every message that was sent in a cluster, and what became of it.
#[derive(Debug)]
pub(crate) struct Journal {
    start: Instant,
    state: Mutex<State>,
    /// Something has been noted.
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    index: HashMap<Guid, usize>,
    /// How many did not fit.
    missed: usize,
    hooks: Vec<(Place, UnboundedSender<Record>)>,
}

/// Where an attempt is noted; nowhere if its message did not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Option<(usize, usize)>);

impl Journal {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), state: Mutex::default(), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message is being sent from a seat. A call that its client sends again keeps its GUID.
    pub(crate) fn sent(&self, queue: Option<&QueueName>, envelope: &Arc<Envelope>, from: usize) {
        let at = self.start.elapsed();
        let mut state = self.state();
        if let Some(record) = state.index.get(&envelope.id).copied().and_then(|at| state.records.get_mut(at)) {
            record.refused = None;
            return;
        }
        if state.records.len() >= MESSAGES {
            state.missed += 1;
            return;
        }
        let place = state.records.len();
        state.index.insert(envelope.id, place);
        let envelope = Arc::clone(envelope);
        state.records.push(Record { queue: queue.cloned(), envelope, from, at, refused: None, attempts: Vec::new() });
    }

    /// The broker has not taken a message.
    pub(crate) fn refused(&self, id: Guid, reason: String) {
        let mut state = self.state();
        if let Some(record) = state.index.get(&id).copied().and_then(|at| state.records.get_mut(at)) {
            record.refused = Some(reason);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// A worker has been handed a message.
    pub(crate) fn delivered(&self, channel: &Channel, delivery: &Delivery, seat: usize) -> Mark {
        let mut state = self.state();
        let Some(place) = state.index.get(&delivery.envelope().id).copied() else { return Mark(None) };
        let Some(record) = state.records.get_mut(place) else { return Mark(None) };
        let channel = channel.to_string();
        for earlier in record.attempts.iter_mut().filter(|attempt| attempt.channel == channel) {
            earlier.end.get_or_insert_with(|| End::Lost("its lease ended".to_owned()));
        }
        record.attempts.push(Attempt { channel, number: delivery.attempt(), seat, streamed: 0, end: None });
        let mark = Mark(Some((place, record.attempts.len() - 1)));
        drop(state);
        self.changed.notify_waiters();
        mark
    }

    /// A worker sends a part of a stream.
    pub(crate) fn streamed(&self, mark: Mark) {
        if let Some(attempt) = self.state().attempt(mark) {
            attempt.streamed += 1;
        }
    }

    /// An attempt ends.
    pub(crate) fn ended(&self, mark: Mark, end: End) {
        let mut state = self.state();
        if let Some(attempt) = state.attempt(mark) {
            attempt.end = Some(end);
        }
        if let Some(record) = mark.0.and_then(|(place, _)| state.records.get(place)).cloned() {
            let queue = record.queue.as_ref().map(QueueName::as_str);
            // A hook that nobody holds any more is closed.
            state.hooks.retain(|(place, hook)| {
                !hook.is_closed() && (!place.matches(queue, &record.envelope) || hook.send(record.clone()).is_ok())
            });
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// An instance is gone, and with it whatever it was working on.
    pub(crate) fn lost(&self, seat: usize, why: &str) {
        let mut state = self.state();
        let open = state.records.iter_mut().flat_map(|record| &mut record.attempts);
        for attempt in open.filter(|attempt| attempt.seat == seat && attempt.end.is_none()) {
            attempt.end = Some(End::Lost(why.to_owned()));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// From now on, every message of this place as soon as an attempt at it has ended.
    pub(crate) fn hook(&self, place: Place) -> UnboundedReceiver<Record> {
        let (sender, receiver) = unbounded_channel();
        self.state().hooks.push((place, sender));
        receiver
    }

    /// The last that was sent from a seat.
    pub(crate) fn last_of(&self, seat: usize) -> Option<Record> {
        self.state().records.iter().rev().find(|record| record.from == seat).cloned()
    }

    /// What was sent so far and is wanted, and how much did not fit.
    pub(crate) fn read(&self, wanted: impl Fn(&Record) -> bool) -> (Vec<Record>, usize) {
        let state = self.state();
        (state.records.iter().filter(|record| wanted(record)).cloned().collect(), state.missed)
    }
}

impl State {
    fn attempt(&mut self, mark: Mark) -> Option<&mut Attempt> {
        let (record, attempt) = mark.0?;
        self.records.get_mut(record)?.attempts.get_mut(attempt)
    }
}
