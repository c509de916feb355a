//! The engine and where its outputs go, behind one lock.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use foldhash::fast::RandomState;
use skyloom_broker::engine::{AdminAnswer, Conn, ConsumerId, Engine, Input, Limits, Output};
use skyloom_core::{
    Envelope, Guid,
    broker::{BrokerError, Delivery, Leases, ReplySink},
};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{dispatch::Dispatch, timer::Timer};
use crate::registry::RegistryView;

/// An envelope as the engine holds it here.
pub(super) type Body = Arc<Envelope>;

/// Where a consumer's deliveries go, and who settles them.
pub(super) struct Stream {
    pub(super) conn: Conn,
    pub(super) sender: UnboundedSender<Delivery>,
    pub(super) leases: Arc<dyn Leases>,
}

/// What the engine answered to the step that asked. Nothing means that the connection is closed.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) done: Option<Result<(), BrokerError>>,
    pub(super) admin: Option<AdminAnswer<Body>>,
}

pub(super) struct State {
    engine: Engine<Body>,
    /// The engine counts time from here.
    origin: Instant,
    /// Empty between steps; kept for its allocation.
    outputs: Vec<Output<Body>>,
    pub(super) streams: HashMap<ConsumerId, Stream, RandomState>,
    pub(super) inboxes: HashMap<Guid, (Conn, Arc<dyn ReplySink>), RandomState>,
    pub(super) views: HashMap<Conn, Arc<RegistryView>, RandomState>,
    /// What is to be handed out, in the engine's order. Bounded by the consumers' credit and by
    /// what those who settle and enqueue are told.
    pub(super) queue: Vec<Dispatch>,
    pub(super) timer: Timer,
    connections: u64,
    consumers: u32,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            // A connection within the process cannot fall silent.
            engine: Engine::new(Limits { silence: Duration::MAX, ..limits }),
            origin: Instant::now(),
            outputs: Vec::new(),
            streams: HashMap::default(),
            inboxes: HashMap::default(),
            views: HashMap::default(),
            queue: Vec::new(),
            timer: Timer::default(),
            connections: 0,
            consumers: 0,
        }
    }

    pub(super) fn next_connection(&mut self) -> Conn {
        self.connections += 1;
        Conn(self.connections)
    }

    pub(super) fn next_consumer(&mut self) -> ConsumerId {
        self.consumers = self.consumers.wrapping_add(1);
        ConsumerId(self.consumers)
    }

    /// When time alone will bring something about; nothing that lies beyond the clock.
    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        self.engine.next_wakeup().and_then(|at| self.origin.checked_add(at))
    }

    /// Takes one step; where no timer can run, after what time alone has brought about.
    pub(super) fn step(&mut self, input: Input<Body>) -> Answer {
        let at = Instant::now();
        let now = at.duration_since(self.origin);
        if !self.timer.is_running() && self.engine.next_wakeup().is_some_and(|at| at <= now) {
            self.pass(now);
        }
        match input {
            Input::Tick => self.pass(now),
            input => self.engine.step(now, input, &mut self.outputs),
        }
        let mut answer = Answer::default();
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Done { result, .. } => answer.done = Some(result),
                Output::Admin { answer: told, .. } => answer.admin = Some(told),
                Output::Closed { error, .. } => answer.done = Some(Err(error)),
                output => self.queue.extend(self.resolve(at, output)),
            }
        }
        self.outputs = outputs;
        answer
    }

    /// Lets time pass. A consumer that lost a lease by it comes after all others, but it is not out:
    /// within the process nobody hangs alone, so every connection that consumes counts as heard.
    fn pass(&mut self, now: Duration) {
        self.engine.step(now, Input::Tick, &mut self.outputs);
        let consuming: BTreeSet<Conn> = self.streams.values().map(|stream| stream.conn).collect();
        for conn in consuming {
            self.engine.step(now, Input::Heard(conn), &mut self.outputs);
        }
    }

    /// Finds the consumer, sink or view that an output is for. One that is gone has left the
    /// engine under the same lock, so that the engine does not name it any more.
    fn resolve(&self, now: Instant, output: Output<Body>) -> Option<Dispatch> {
        Some(match output {
            Output::Deliver { consumer, lease, lease_time, attempt, time_to_live, body, .. } => {
                let stream = self.streams.get(&consumer)?;
                let delivery = Delivery::new(body, lease, lease_time, Arc::clone(&stream.leases))
                    .with_attempt(attempt)
                    .with_deadline(time_to_live.and_then(|left| now.checked_add(left)));
                Dispatch::Deliver(stream.sender.clone(), delivery)
            }
            Output::Reply { inbox, body, .. } => Dispatch::Reply(Arc::clone(&self.inboxes.get(&inbox)?.1), body),
            Output::Refused { inbox, call, error, .. } => {
                Dispatch::Refused(Arc::clone(&self.inboxes.get(&inbox)?.1), call, error)
            }
            Output::Registry { conn, change } => Dispatch::Registry(Arc::clone(self.views.get(&conn)?), change),
            Output::Done { .. } | Output::Admin { .. } | Output::Closed { .. } | Output::Job { .. } => return None,
        })
    }
}
