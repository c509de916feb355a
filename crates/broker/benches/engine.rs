//! What the engine costs: rows of the table that `scripts/bench.sh` prints. Each ratio compares
//! two engines in alternating rounds of one run. Exits with 1 if a target is missed.

// A bench talks to whoever runs it, and stops at what it does not expect.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{process::ExitCode, time::Duration};

use bytes::Bytes;
use skyloom_broker::engine::{Conn, ConsumerId, Engine, Input, Limits, Message, Output, Settle, Ticket};
use skyloom_core::{
    Channel, Envelope, Extras, Guid, Kind, TraceContext,
    broker::{ConsumeOptions, EnqueueOptions, Lease},
};
use tokio::time::Instant;

/// What the payload of each message measures, as in all of the project's figures.
const PAYLOAD: usize = 128;
const CALLER: Conn = Conn(1);
const WORKER: Conn = Conn(2);
const CREDIT: u32 = 64;
/// Alternating rounds, of which the median counts.
const ROUNDS: usize = 25;
const ROUND_TRIPS: u32 = 20_000;

/// An engine, a caller with an inbox, and a worker that holds as many leases as it may.
struct Bench {
    engine: Engine<Bytes>,
    channel: Channel,
    inbox: Guid,
    leases: std::collections::VecDeque<Lease>,
    outputs: Vec<Output<Bytes>>,
    now: Duration,
}

impl Bench {
    fn new(waiting: usize) -> Self {
        let engine = Engine::new(Limits { channel_messages: 2_000_000, ..Limits::default() });
        let (channel, inbox) = (Channel::Queue("greeter.v1".parse().unwrap()), Guid::private());
        let (leases, outputs, now) = (Default::default(), Vec::new(), Duration::ZERO);
        let mut bench = Self { engine, channel, inbox, leases, outputs, now };
        bench.step(Input::Connect { conn: CALLER, session: Guid::private() });
        bench.step(Input::Connect { conn: WORKER, session: Guid::private() });
        bench.step(Input::OpenInbox { conn: CALLER, ticket: Ticket::NONE, inbox });
        let options = ConsumeOptions { credit: CREDIT, ..ConsumeOptions::default() };
        let (consumer, channel) = (ConsumerId(1), bench.channel.clone());
        bench.step(Input::Consume { conn: WORKER, ticket: Ticket::NONE, consumer, channel, options });
        for _ in 0..waiting + CREDIT as usize {
            bench.enqueue();
        }
        bench
    }

    fn step(&mut self, input: Input<Bytes>) {
        self.engine.step(self.now, input, &mut self.outputs);
        for output in self.outputs.drain(..) {
            if let Output::Deliver { lease, .. } = output {
                self.leases.push_back(lease);
            }
        }
    }

    fn enqueue(&mut self) {
        let body = request();
        let message = Message {
            id: Guid::from_bytes([1; 16]),
            reply_to: Some(self.inbox),
            priority: EnqueueOptions::DEFAULT_PRIORITY,
            delay: Duration::ZERO,
            time_to_live: Some(Duration::from_secs(3600)),
            size: body.len(),
            body,
        };
        let channel = self.channel.clone();
        self.step(Input::Enqueue { conn: CALLER, ticket: Ticket::NONE, channel, message });
    }

    fn answer(&mut self) {
        let lease = self.leases.pop_front().expect("the worker holds leases");
        let settle = Settle::Reply(Bytes::from_static(b"reply"));
        self.step(Input::Settle { conn: WORKER, ticket: Ticket::NONE, lease, settle });
    }

    /// The time of one enqueue, delivery and reply, in nanoseconds.
    fn round(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..ROUND_TRIPS {
            self.now += Duration::from_nanos(500);
            self.enqueue();
            self.answer();
        }
        start.elapsed().as_nanos() as f64 / f64::from(ROUND_TRIPS)
    }
}

/// A request as a door keeps it: encoded, in an allocation of its own size.
fn request() -> Bytes {
    thread_local! {
        static ENCODED: Bytes = {
            let mut envelope = Envelope::new(Kind::Call, Guid::call());
            envelope.method = "Hello".into();
            envelope.reply_to = Some(Guid::private());
            envelope.budget = Some(Duration::from_secs(10));
            envelope.extras = Extras::new().with_trace(Some(TraceContext::root()));
            envelope.payload = Bytes::from_static(&[7; PAYLOAD]);
            envelope.encode()
        };
    }
    ENCODED.with(|encoded| Bytes::copy_from_slice(encoded))
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// The medians of alternating rounds.
fn compare(one: &mut Bench, other: &mut Bench) -> (f64, f64) {
    let rounds: (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| (one.round(), other.round())).unzip();
    (median(rounds.0), median(rounds.1))
}

/// Prints a row. Returns whether the target is met.
fn row(what: &str, ours: &str, yardstick: &str, value: f64, most: f64) -> bool {
    let met = value <= most;
    let verdict = if met { "met" } else { "missed" };
    println!("| {what} | {ours} | {yardstick} | {value:.2} | <= {most} | {verdict} |");
    met
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the figure is measured on Linux");
    let pages: usize = statm.split(' ').nth(1).expect("resident").parse().expect("a number");
    pages * 4096
}

fn memory() -> bool {
    const MESSAGES: usize = 1_000_000;
    let before = resident_bytes();
    let bench = Bench::new(MESSAGES);
    let each = (resident_bytes() - before) as f64 / MESSAGES as f64;
    assert_eq!(bench.engine.totals().messages as usize, MESSAGES + CREDIT as usize);
    let header = request().len() - PAYLOAD;
    let ours = format!("{each:.0} B, of which {header} B are the envelope's header");
    row(
        "broker memory per waiting message beyond its payload",
        &ours,
        &format!("{PAYLOAD} B"),
        each - PAYLOAD as f64,
        300.0,
    )
}

fn depth() -> bool {
    let (mut deep, mut shallow) = (Bench::new(1_000_000), Bench::new(1_000));
    compare(&mut deep, &mut shallow);
    let (deep, shallow) = compare(&mut deep, &mut shallow);
    let what = "enqueue + deliver + settle with 1,000,000 messages waiting : with 1,000";
    row(what, &format!("{deep:.0} ns"), &format!("{shallow:.0} ns"), deep / shallow, 1.3)
}

fn inboxes() -> bool {
    let (mut many, mut none) = (Bench::new(0), Bench::new(0));
    for number in 0..20_000_u64 {
        let (conn, session) = (Conn(10 + number), Guid::private());
        many.step(Input::Connect { conn, session });
        many.step(Input::OpenInbox { conn, ticket: Ticket::NONE, inbox: Guid::private() });
        many.step(Input::Disconnect(conn));
    }
    assert_eq!(many.engine.totals().inboxes, 20_001);
    compare(&mut many, &mut none);
    let (many, none) = compare(&mut many, &mut none);
    let what = "round trip in the engine with 20,000 abandoned inboxes : with none";
    row(what, &format!("{many:.0} ns"), &format!("{none:.0} ns"), many / none, 1.2)
}

fn main() -> ExitCode {
    // Memory first, while the process is small.
    let met = [memory(), depth(), inboxes()];
    if met.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
