//! The closed loop: each answer makes room for the next call.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use hdrhistogram::Histogram;
use skyloom::{
    Code, Status,
    client::{Client, Request},
};
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// The longest latency that is told from longer ones: the longest timeout.
const LONGEST_US: u64 = 3_600_000_000;

/// What to send, how much of it at once, and when to stop.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// The request, sent again and again.
    pub(super) request: Request,
    /// How many calls are in flight.
    pub(super) concurrency: usize,
    /// Until so much time has passed.
    pub(super) time: Duration,
    /// Until so many calls were made.
    pub(super) calls: u64,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Measured {
    /// The latencies of the calls that were answered well, in microseconds.
    pub(super) latencies: Histogram<u64>,
    /// The errors by code: how many, and the first one's sentence.
    pub(super) errors: BTreeMap<&'static str, (u64, String)>,
    /// How long all of it took.
    pub(super) took: Duration,
}

impl Load {
    /// Sends the load until its end, or until Ctrl-C, and waits for the answers that are under way.
    ///
    /// # Errors
    /// If there is no memory for the measurements.
    pub(super) async fn run(&self, client: &Client) -> Result<Measured, Failure> {
        let latencies = Histogram::new_with_bounds(1, LONGEST_US, 3)
            .map_err(|error| Failure::failed(format!("cannot measure: {error}")))?;
        let start = Instant::now();
        let mut measured = Measured { latencies, errors: BTreeMap::new(), took: Duration::ZERO };
        let mut in_flight = FuturesUnordered::new();
        let mut left = self.calls;
        let end = sleep(self.time);
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(end, interrupted);
        loop {
            while left > 0 && in_flight.len() < self.concurrency {
                left -= 1;
                in_flight.push(self.one(client));
            }
            tokio::select! {
                biased;
                answer = in_flight.next() => match answer {
                    Some((took, result)) => measured.record(took, result),
                    None => break,
                },
                () = &mut end, if left > 0 => left = 0,
                _ = &mut interrupted, if left > 0 => left = 0,
            }
            if left > 0 && start.elapsed() >= self.time {
                left = 0;
            }
        }
        measured.took = start.elapsed();
        Ok(measured)
    }

    async fn one(&self, client: &Client) -> (Duration, Result<(), Status>) {
        let start = Instant::now();
        let result = client.call(self.request.clone()).await;
        (start.elapsed(), result.map(drop))
    }
}

impl Measured {
    fn record(&mut self, took: Duration, result: Result<(), Status>) {
        match result {
            Ok(()) => self.latencies.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST_US).max(1)),
            Err(status) => {
                let code: Code = status.code();
                let entry = self.errors.entry(code.name()).or_insert_with(|| (0, status.message().to_owned()));
                entry.0 += 1;
            }
        }
    }

    /// How many calls were answered with an error.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().map(|(count, _)| count).sum()
    }
}
