//! One channel that an instance consumes.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{shared::Shared, stats::Counter};
use crate::{
    Envelope, Kind,
    service::{Index, MethodOptions},
};

/// A channel, the stack that serves it, and how its methods are to be treated.
pub(super) struct Lane<T> {
    pub(super) channel: String,
    pub(super) service: T,
    pub(super) shared: Arc<Shared>,
    pub(super) methods: Treatments,
    /// How many of those that are for this very instance are executed at once: their channel has room for more, so
    /// that the instance itself can always be asked. They are not tried again. None if the consumer's credit is the
    /// bound.
    pub(super) own: Option<Semaphore>,
}

/// How a method is to be treated.
#[derive(Clone, Debug)]
pub(super) struct Treatment {
    name: &'static str,
    pub(super) timeout: Option<Duration>,
    pub(super) slots: Option<Arc<Semaphore>>,
    pub(super) once: bool,
    /// None until the channel is known, and if too many methods are counted.
    pub(super) counter: Option<Arc<Counter>>,
}

impl Treatment {
    pub(super) fn new(name: &'static str, options: &MethodOptions) -> Self {
        let slots = |limit| usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            name,
            timeout: options.timeout,
            slots: options.concurrency.map(|limit| Arc::new(Semaphore::new(slots(limit)))),
            once: options.once,
            counter: None,
        }
    }
}

/// The treatments of a service's methods.
#[derive(Clone, Debug, Default)]
pub(super) struct Treatments {
    index: Index,
    all: Box<[Treatment]>,
}

impl Treatments {
    pub(super) fn new(all: impl IntoIterator<Item = Treatment>) -> Self {
        let all: Box<[Treatment]> = all.into_iter().collect();
        Self { index: Index::new(all.iter().map(|method| method.name)), all }
    }

    /// The same for one channel, whose executions are counted.
    pub(super) fn counted(mut self, shared: &Shared, channel: &str) -> Self {
        for method in &mut self.all {
            method.counter = shared.stats.counter(channel, method.name);
        }
        self
    }
}

impl<T> Lane<T> {
    pub(super) fn treatment(&self, envelope: &Envelope) -> Option<&Treatment> {
        if envelope.kind == Kind::Event {
            return None;
        }
        self.methods.index.find(envelope.method.as_bytes()).and_then(|place| self.methods.all.get(place))
    }

    /// Counts an execution.
    pub(super) fn count(&self, envelope: &Envelope, took: Duration, failed: bool) {
        match self.treatment(envelope).and_then(|method| method.counter.as_ref()) {
            Some(counter) => counter.add(took, failed),
            None => self.shared.stats.record(&self.channel, &envelope.method, took, failed),
        }
    }
}
