//! What an instance has done so far.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
pub(super) struct Stats(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// By channel and method.
    methods: BTreeMap<String, BTreeMap<String, Arc<Counter>>>,
    others: Counters,
}

/// What one method has done; whoever executes it keeps this at hand.
#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<Counters>);

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    calls: u64,
    errors: u64,
    total: Duration,
    max: Duration,
}

/// Method names come from callers; past this many different ones, the rest are counted together.
const MAX_METHODS: usize = 1_000;

impl Counters {
    fn add(&mut self, took: Duration, failed: bool) {
        self.calls += 1;
        self.errors += u64::from(failed);
        self.total += took;
        self.max = self.max.max(took);
    }

    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    fn row(&self, name: String) -> MethodStats {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (total_us, max_us) = (micros(self.total), micros(self.max));
        MethodStats { name, calls: self.calls, errors: self.errors, total_us, max_us }
    }
}

impl Counter {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, took: Duration, failed: bool) {
        self.counters().add(took, failed);
    }
}

/// Executions of one method that are not in its counter yet. Whoever executes several in a row enters them together.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counter: Option<Arc<Counter>>,
    counters: Counters,
}

impl Tally {
    /// Counts an execution of the method whose counter this is.
    pub(super) fn add(&mut self, counter: &Arc<Counter>, took: Duration, failed: bool) {
        if !self.counter.as_ref().is_some_and(|known| Arc::ptr_eq(known, counter)) {
            self.enter();
            self.counter = Some(Arc::clone(counter));
        }
        self.counters.add(took, failed);
    }

    /// Enters what has been counted.
    pub(super) fn enter(&mut self) {
        if let Some(counter) = self.counter.as_ref().filter(|_| self.counters.calls > 0) {
            counter.counters().merge(&std::mem::take(&mut self.counters));
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.enter();
    }
}

impl Table {
    fn counter(&mut self, channel: &str, method: &str) -> Option<Arc<Counter>> {
        if let Some(known) = self.methods.get(channel).and_then(|methods| methods.get(method)) {
            return Some(Arc::clone(known));
        }
        let room = self.methods.values().map(BTreeMap::len).sum::<usize>() < MAX_METHODS;
        room.then(|| {
            let methods = self.methods.entry(channel.to_owned()).or_default();
            Arc::clone(methods.entry(method.to_owned()).or_default())
        })
    }
}

impl Stats {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counter of a method; none if there are too many.
    pub(super) fn counter(&self, channel: &str, method: &str) -> Option<Arc<Counter>> {
        self.table().counter(channel, method)
    }

    /// Counts an execution of a method whose counter is not at hand.
    pub(super) fn record(&self, channel: &str, method: &str, took: Duration, failed: bool) {
        let mut table = self.table();
        match table.counter(channel, method) {
            Some(counter) => counter.add(took, failed),
            None => table.others.add(took, failed),
        }
    }

    pub(super) fn read(&self) -> Vec<MethodStats> {
        let table = self.table();
        let rows = |(channel, methods): (&String, &BTreeMap<String, Arc<Counter>>)| {
            let row =
                |(method, counter): (&String, &Arc<Counter>)| counter.counters().row(format!("{channel}/{method}"));
            methods.iter().map(row).filter(|row| row.calls > 0).collect::<Vec<_>>()
        };
        let mut rows: Vec<MethodStats> = table.methods.iter().flat_map(rows).collect();
        if table.others.calls > 0 {
            rows.push(table.others.row("others".to_owned()));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_METHODS, Stats};

    #[test]
    fn names_that_callers_make_up_are_counted_together_in_the_end() {
        let stats = Stats::default();
        for number in 0..MAX_METHODS + 5 {
            stats.record("greeter.v1", &format!("M{number}"), Duration::from_micros(2), number == 0);
        }
        stats.record("greeter.v1", "M0", Duration::from_micros(5), false);
        let rows = stats.read();
        assert_eq!(rows.len(), MAX_METHODS + 1);
        let first = &rows[0];
        assert_eq!((first.name.as_str(), first.calls, first.errors), ("greeter.v1/M0", 2, 1));
        assert_eq!((first.total_us, first.max_us), (7, 5));
        let last = &rows[MAX_METHODS];
        assert_eq!((last.name.as_str(), last.calls), ("others", 5));
    }
}
