//! The engine and where its outputs go, behind one lock.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use foldhash::fast::RandomState;
use skyloom_broker::engine::{AdminAnswer, Conn, ConsumerId, Engine, Input, Limits, Message, Output, Settle};
use skyloom_core::{
    Channel, Guid, Moment,
    broker::{BrokerError, Lease, ReplySink},
};
use tokio::time::Instant;

use super::{
    dispatch::{Dispatch, Wakers},
    stream::{Body, Given, Stream},
    timer::Timer,
};
use crate::registry::RegistryView;

/// What the engine answered to the step that asked. Nothing means that the connection is closed.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) done: Option<Result<(), BrokerError>>,
    pub(super) admin: Option<AdminAnswer<Body>>,
}

/// Nobody wakes for what lies further ahead: a hundred years.
const HORIZON: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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
    /// A reply that a step has brought about and nothing else; then nothing is in the queue.
    pub(super) alone: Option<(Arc<dyn ReplySink>, Body)>,
    wakers: Wakers,
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
            alone: None,
            wakers: Wakers::default(),
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

    /// When time alone will bring something about, on the engine's clock; nothing that lies beyond
    /// the clock.
    pub(super) fn next_wakeup(&self) -> Option<Duration> {
        let at = self.engine.next_wakeup()?;
        (at < HORIZON).then_some(at)
    }

    /// The same moment on the clock.
    pub(super) fn instant(&self, at: Duration) -> Option<Instant> {
        self.origin.checked_add(at)
    }

    /// Whom the last steps have given something.
    pub(super) fn take_wakers(&mut self) -> Option<Wakers> {
        (!self.wakers.is_empty()).then(|| std::mem::take(&mut self.wakers))
    }

    /// No more is given to these streams.
    pub(super) fn end_streams(&mut self, which: impl Fn(ConsumerId, &Stream) -> bool) {
        for (id, stream) in &mut self.streams {
            if which(*id, stream) {
                stream.ended = true;
                stream.waker.take().into_iter().for_each(|waker| self.wakers.add(waker));
            }
        }
    }

    /// Takes one step; where no timer can run, after what time alone has brought about.
    pub(super) fn step(&mut self, input: Input<Body>) -> Answer {
        let (at, now) = self.begin();
        match input {
            Input::Tick => self.pass(now),
            input => self.engine.step(now, input, &mut self.outputs),
        }
        self.conclude(at)
    }

    /// As a step with [`Input::Enqueue`]. None if the connection is closed.
    pub(super) fn enqueue(
        &mut self,
        conn: Conn,
        channel: &Channel,
        message: Message<Body>,
    ) -> Option<Result<(), BrokerError>> {
        let (at, now) = self.begin();
        let done = self.engine.enqueue_now(now, conn, channel, message, &mut self.outputs);
        self.conclude(at);
        done
    }

    /// As a step with [`Input::Settle`]. None if the connection is closed.
    pub(super) fn settle(&mut self, conn: Conn, lease: Lease, settle: Settle<Body>) -> Option<Result<(), BrokerError>> {
        let (at, now) = self.begin();
        let done = self.engine.settle_now(now, conn, lease, settle, &mut self.outputs);
        self.conclude(at);
        done
    }

    #[inline]
    fn begin(&mut self) -> (Instant, Duration) {
        let at = Moment::now();
        let now = at.duration_since(self.origin);
        if !self.timer.is_running() && self.engine.next_wakeup().is_some_and(|at| at <= now) {
            self.pass(now);
        }
        (at, now)
    }

    /// Notes what the engine has decided.
    #[inline]
    fn conclude(&mut self, at: Instant) -> Answer {
        let mut answer = Answer::default();
        if self.outputs.len() == 1 {
            match self.outputs.pop() {
                Some(Output::Reply { inbox, body, .. }) if self.queue.is_empty() => {
                    self.alone = self.inboxes.get(&inbox).map(|(_, sink)| (Arc::clone(sink), body));
                }
                Some(output) => self.note(at, output, &mut answer),
                None => {}
            }
            return answer;
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            self.note(at, output, &mut answer);
        }
        self.outputs = outputs;
        answer
    }

    /// Finds the consumer, sink or view that an output is for. One that is gone has left the
    /// engine under the same lock, so that the engine does not name it any more.
    fn note(&mut self, at: Instant, output: Output<Body>, answer: &mut Answer) {
        let dispatch = match output {
            Output::Deliver { consumer, lease, lease_time, attempt, time_to_live, body, .. } => {
                let Some(stream) = self.streams.get_mut(&consumer) else { return };
                let deadline = time_to_live.and_then(|left| at.checked_add(left));
                stream.given.push_back(Given { body, lease, lease_time, attempt, deadline });
                if let Some(waker) = stream.waker.take() {
                    self.wakers.add(waker);
                }
                return;
            }
            Output::Reply { inbox, body, .. } => {
                self.inboxes.get(&inbox).map(|(_, sink)| Dispatch::Reply(Arc::clone(sink), body))
            }
            Output::Refused { inbox, call, error, .. } => {
                self.inboxes.get(&inbox).map(|(_, sink)| Dispatch::Refused(Arc::clone(sink), call, error))
            }
            Output::Registry { conn, change } => {
                self.views.get(&conn).map(|view| Dispatch::Registry(Arc::clone(view), change))
            }
            // Beanstalkd's clients have a door of their own.
            Output::Job { .. } => return,
            Output::Done { result, .. } => return answer.done = Some(result),
            Output::Admin { answer: told, .. } => return answer.admin = Some(told),
            Output::Closed { error, .. } => return answer.done = Some(Err(error)),
        };
        self.queue.extend(dispatch);
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
}
