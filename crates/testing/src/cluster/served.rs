//! Which queues have somebody who serves them.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use skyloom_core::QueueName;

/// The queues that somebody serves, has served or is to serve.
#[derive(Debug, Default)]
pub(super) struct Served(Mutex<HashSet<String>>);

impl Served {
    fn queues(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody serves this queue, or will do so.
    pub(super) fn add(&self, queue: &str) {
        self.queues().insert(queue.to_owned());
    }

    /// What to do about a queue that nobody serves.
    pub(super) fn missing(&self, queue: &QueueName) -> Option<String> {
        (!self.queues().contains(queue.as_str())).then(|| {
            format!(
                "nobody serves {queue} in this cluster: add its service with .with(...), or fake it with .fake(...); \
                 what comes only later is announced with .later(...)"
            )
        })
    }
}
