//! What an instance has done so far.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::Guid;

/// What one instance has done since it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceStats {
    /// The instance.
    pub id: Guid,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Requests and events that it is working on.
    pub in_flight: u64,
    /// By queue or topic, and method.
    pub methods: Vec<MethodStats>,
}

/// What one method has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodStats {
    /// The queue and the method, such as `greeter.v1/Hello`, or the topic and the group.
    pub name: String,
    /// How often it was executed.
    pub calls: u64,
    /// How often it ended with an error.
    pub errors: u64,
    /// All executions together, in microseconds.
    pub total_us: u64,
    /// The longest execution, in microseconds.
    pub max_us: u64,
}

#[derive(Debug, Default)]
pub(super) struct Stats(Mutex<BTreeMap<String, Counters>>);

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    calls: u64,
    errors: u64,
    total: Duration,
    max: Duration,
}

/// Method names come from callers; past this many different ones, the rest are counted together.
const MAX_METHODS: usize = 1_000;

impl Stats {
    pub(super) fn record(&self, channel: &str, method: &str, took: Duration, failed: bool) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = String::with_capacity(channel.len() + method.len() + 1);
        name.extend([channel, "/", method]);
        if !table.contains_key(&name) && table.len() >= MAX_METHODS {
            "others".clone_into(&mut name);
        }
        let counters = table.entry(name).or_default();
        counters.calls += 1;
        counters.errors += u64::from(failed);
        counters.total += took;
        counters.max = counters.max.max(took);
    }

    pub(super) fn read(&self) -> Vec<MethodStats> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(name, counters): (&String, &Counters)| MethodStats {
            name: name.clone(),
            calls: counters.calls,
            errors: counters.errors,
            total_us: micros(counters.total),
            max_us: micros(counters.max),
        };
        table.iter().map(row).collect()
    }
}
