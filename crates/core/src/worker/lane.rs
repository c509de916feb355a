//! One channel that an instance consumes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::shared::Shared;
use crate::{Envelope, Kind, service::MethodOptions};

/// A channel, the stack that serves it, and how its methods are to be treated.
pub(super) struct Lane<T> {
    pub(super) channel: String,
    pub(super) service: T,
    pub(super) shared: Arc<Shared>,
    pub(super) methods: Arc<HashMap<&'static str, Treatment, foldhash::fast::RandomState>>,
}

/// How a method is to be treated.
#[derive(Clone, Debug)]
pub(super) struct Treatment {
    pub(super) timeout: Option<Duration>,
    pub(super) slots: Option<Arc<Semaphore>>,
    pub(super) once: bool,
}

impl From<&MethodOptions> for Treatment {
    fn from(options: &MethodOptions) -> Self {
        let slots = |limit| usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            timeout: options.timeout,
            slots: options.concurrency.map(|limit| Arc::new(Semaphore::new(slots(limit)))),
            once: options.once,
        }
    }
}

impl<T> Lane<T> {
    pub(super) fn options(&self, envelope: &Envelope) -> Option<&Treatment> {
        (envelope.kind != Kind::Event).then(|| self.methods.get(envelope.method.as_str())).flatten()
    }
}
