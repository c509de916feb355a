//! [`Comparison`]: the two sides of a row, each with a worker and a client of its own on the same server.

use std::any::Any;

use skyloom_testing::figures::{Process, Row, Target, in_turns, rates};

use super::common::service;

/// How many calls are under way at once.
const IN_FLIGHT: [usize; 2] = [service::IN_FLIGHT, 4 * service::IN_FLIGHT];

/// A broker that runs, and the two sides that use it.
pub(crate) struct Comparison {
    /// What is compared.
    pub(crate) what: &'static str,
    /// What the ratio must be at least.
    pub(crate) target: f64,
    /// The address of our side.
    pub(crate) ours: String,
    /// The other side and its address.
    pub(crate) by_hand: (&'static str, String),
    /// The servers that must run meanwhile.
    pub(crate) servers: Box<dyn Any>,
}

impl Comparison {
    /// Measures: one row for each number of calls in flight.
    pub(crate) fn rows(self) -> Vec<Row> {
        let Self { what, target, ours, by_hand: (side, address), servers } = self;
        let workers = [Process::start("worker", &["ours", &ours]), Process::start("worker", &[side, &address])];
        let row = |in_flight: usize| {
            let client = |side: &str, address: &str| Process::start("client", &[side, address, &in_flight.to_string()]);
            let (mut ours, mut by_hand) = (client("ours", &ours), client(side, &address));
            let round = |client: &mut Process| client.ask("round").parse().expect("a rate");
            let values = in_turns(|| round(&mut ours), || round(&mut by_hand));
            rates(&format!("{what}, {in_flight} in flight"), Target::AtLeast(target), values)
        };
        let rows = IN_FLIGHT.map(row).into();
        drop((workers, servers));
        rows
    }
}
