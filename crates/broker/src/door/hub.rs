//! The engine with everybody who is connected to it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use bytes::BytesMut;
use skyloom_core::{BusyPoll, Guid};
use tokio::time::Instant;

use super::{
    encoded::Encoded,
    peer::{Order, Peer},
    translate,
    voice::Voice,
};
use crate::{
    engine::{Conn, Engine, Exported, Input, Limits, Output},
    wire::ServerFrame,
};

/// The engine and its peers behind one lock. A connection's task takes it once for all the frames
/// that it has read at a time; the runtime has one thread, so nobody ever waits for it.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Zero on the engine's clock.
    start: Instant,
    /// Names this state to the clients.
    pub(super) epoch: Guid,
    pub(crate) limits: Limits,
    outgoing_bytes: usize,
    pub(crate) busy_poll: BusyPoll,
}

#[derive(Debug)]
struct State {
    engine: Engine<Encoded>,
    peers: HashMap<Conn, Peer, foldhash::fast::RandomState>,
    next: u64,
    /// Kept between steps for its allocation.
    outputs: Vec<Output<Encoded>>,
    /// When the ticker will tick, and whom to wake if it has to be sooner.
    alarm: Option<Duration>,
    ticker: Option<Waker>,
    phase: Phase,
    /// Who waits for the last client to say goodbye.
    stopper: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// The clients have been told to go.
    Stopping,
    /// The state has been exported; nothing may change it any more.
    Exported,
}

impl Hub {
    /// A hub around an engine whose clock stands at `elapsed`.
    pub(super) fn new(
        engine: Engine<Encoded>,
        elapsed: Duration,
        epoch: Guid,
        limits: Limits,
        outgoing_bytes: usize,
    ) -> Self {
        let now = Instant::now();
        let state = State {
            engine,
            peers: HashMap::default(),
            next: 0,
            outputs: Vec::new(),
            alarm: None,
            ticker: None,
            phase: Phase::Serving,
            stopper: None,
        };
        Self {
            state: Mutex::new(state),
            start: now.checked_sub(elapsed).unwrap_or(now),
            epoch,
            limits,
            outgoing_bytes,
            busy_poll: BusyPoll::default(),
        }
    }

    /// A poisoned lock means that a connection's task has panicked; the others must go on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a client in, or says why not.
    pub(super) fn connect(&self, session: Guid) -> Result<Conn, String> {
        self.admit(session, None::<fn(Conn) -> Box<dyn Voice>>)
    }

    /// Lets a client of another protocol in, or says why not.
    pub(crate) fn connect_voice(&self, voice: impl FnOnce(Conn) -> Box<dyn Voice>) -> Result<Conn, String> {
        self.admit(Guid::private(), Some(voice))
    }

    fn admit(&self, session: Guid, voice: Option<impl FnOnce(Conn) -> Box<dyn Voice>>) -> Result<Conn, String> {
        let mut state = self.lock();
        if state.phase != Phase::Serving {
            return Err("the broker is stopping; come back when it is running again".to_owned());
        }
        if state.peers.len() >= self.limits.connections {
            return Err(format!("the broker has {} connections and takes no more", self.limits.connections));
        }
        state.next += 1;
        let conn = Conn(state.next);
        state.peers.insert(conn, Peer::new(voice.map(|voice| voice(conn))));
        self.run(&mut state, [Input::Connect { conn, session }].into_iter());
        Ok(conn)
    }

    /// A client is gone. One that said goodbye because the broker is about to stop comes back to the
    /// same state, so the engine is not told.
    pub(crate) fn disconnect(&self, conn: Conn) {
        let mut state = self.lock();
        let bye = state.peers.remove(&conn).is_some_and(|peer| peer.bye);
        if !(bye && state.phase == Phase::Stopping) {
            self.run(&mut state, [Input::Disconnect(conn)].into_iter());
        }
        state.wake_stopper();
    }

    /// Tells the engine what a client has sent, and the client that `pings` of its pings have come.
    pub(super) fn step(&self, conn: Conn, inputs: &mut Vec<Input<Encoded>>, pings: usize) {
        let mut state = self.lock();
        self.run(&mut state, inputs.drain(..));
        if let Some(peer) = state.peers.get_mut(&conn) {
            for _ in 0..pings {
                peer.tell(&ServerFrame::Pong, self.outgoing_bytes);
            }
        }
    }

    /// Tells the engine what a client of another protocol has sent; says how much waits for it then.
    pub(crate) fn step_voice(&self, conn: Conn, inputs: &mut Vec<Input<Encoded>>) -> usize {
        let mut state = self.lock();
        self.run(&mut state, inputs.drain(..));
        state.peers.get(&conn).map_or(0, Peer::waiting)
    }

    /// Asks every client of another protocol to go.
    pub(crate) fn finish_voices(&self) {
        for peer in self.lock().peers.values_mut().filter(|peer| peer.voice.is_some()) {
            peer.order(Order::Finish);
        }
    }

    /// A client has promised to send no more.
    pub(super) fn bye(&self, conn: Conn) {
        let mut state = self.lock();
        let stopping = state.phase != Phase::Serving;
        if let Some(peer) = state.peers.get_mut(&conn) {
            peer.bye = true;
            if !stopping {
                peer.order(Order::Finish);
            }
        }
        state.wake_stopper();
    }

    /// Adds bytes to what is waiting for a client.
    pub(crate) fn add(&self, conn: Conn, bytes: &[u8]) {
        if let Some(peer) = self.lock().peers.get_mut(&conn) {
            peer.add(bytes);
        }
    }

    /// Adds what is waiting for a client to what its task is writing.
    pub(crate) fn take_rest(&self, conn: Conn, writing: &mut BytesMut) {
        if let Some(peer) = self.lock().peers.get_mut(&conn) {
            peer.take_rest(writing);
        }
    }

    /// What a connection's task is to do, what it is to write, and how much waits beside that.
    pub(crate) fn poll_peer(&self, conn: Conn, waker: &Waker, writing: &mut BytesMut) -> (Order, usize) {
        match self.lock().peers.get_mut(&conn) {
            Some(peer) => (peer.take(waker, writing), peer.waiting()),
            None => (Order::Finish, 0),
        }
    }

    /// When the next tick is due; the waker is woken if that becomes sooner.
    pub(super) fn poll_alarm(&self, waker: &Waker) -> Option<Instant> {
        let mut state = self.lock();
        state.ticker = Some(waker.clone());
        state.alarm.map(|alarm| self.start + alarm)
    }

    /// Time has passed.
    pub(super) fn tick(&self) {
        let mut state = self.lock();
        state.alarm = None;
        self.run(&mut state, [Input::Tick].into_iter());
    }

    /// Sets the alarm for what an imported engine has to do.
    pub(super) fn wind(&self) {
        let mut state = self.lock();
        state.alarm = state.engine.next_wakeup();
    }

    /// Lets nobody in any more and asks everybody to go.
    pub(super) fn go_away(&self, reason: &str) {
        let mut state = self.lock();
        state.phase = Phase::Stopping;
        let frame = ServerFrame::GoAway { reason: reason.to_owned() };
        for peer in state.peers.values_mut() {
            peer.tell(&frame, self.outgoing_bytes);
        }
    }

    /// Takes what those have sent who have not said goodbye, and lets them send no more.
    pub(super) fn hear_out(&self) {
        self.lock().peers.values_mut().for_each(Peer::hear_out);
    }

    /// Ready once every client has said goodbye or is gone.
    pub(super) fn poll_all_gone(&self, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.peers.values().all(|peer| peer.bye) {
            return Poll::Ready(());
        }
        state.stopper = Some(waker.clone());
        Poll::Pending
    }

    /// Takes the engine's state out and lets every connection write what is waiting. After this
    /// nothing changes the state any more.
    pub(super) fn export(&self) -> Exported<Encoded> {
        let mut state = self.lock();
        state.phase = Phase::Exported;
        for peer in state.peers.values_mut() {
            peer.order(Order::Finish);
        }
        state.engine.export(self.start.elapsed())
    }

    /// Tells a client. Returns what the engine is to hear in turn.
    fn deal(&self, peer: &mut Peer, output: Output<Encoded>) -> Option<Input<Encoded>> {
        let closed = matches!(output, Output::Closed { .. });
        let mut echo = None;
        if peer.voice.is_some() {
            echo = peer.hear(output);
        } else if let Some(frame) = translate::frame(output) {
            peer.tell(&frame, self.outgoing_bytes);
        }
        if closed {
            peer.order(Order::Finish);
        }
        echo
    }

    fn run(&self, state: &mut State, inputs: impl Iterator<Item = Input<Encoded>>) {
        if state.phase == Phase::Exported {
            return;
        }
        let now = self.start.elapsed();
        let State { engine, outputs, peers, .. } = state;
        for input in inputs {
            engine.step(now, input, outputs);
        }
        while !outputs.is_empty() {
            let mut echoes = Vec::new();
            for output in outputs.drain(..) {
                // A client may have gone while the engine still had something for it.
                if let Some(peer) = peers.get_mut(&output.conn()) {
                    echoes.extend(self.deal(peer, output));
                }
            }
            for echo in echoes {
                engine.step(now, echo, outputs);
            }
        }
        let next = state.engine.next_wakeup();
        if next.is_some_and(|next| state.alarm.is_none_or(|alarm| next < alarm)) {
            state.alarm = next;
            if let Some(ticker) = &state.ticker {
                ticker.wake_by_ref();
            }
        }
    }
}

impl State {
    fn wake_stopper(&mut self) {
        if let Some(stopper) = self.stopper.take() {
            stopper.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{task::Waker, time::Duration};

    use bytes::BytesMut;
    use skyloom_core::Guid;

    use super::{Hub, Input, Order};
    use crate::{
        door::OUTGOING_BYTES,
        engine::{AdminCommand, Engine, Limits, Ticket},
    };

    #[test]
    fn after_the_export_nobody_is_promised_anything() {
        let limits = Limits::default();
        let hub = Hub::new(Engine::new(limits), Duration::ZERO, Guid::private(), limits, OUTGOING_BYTES);
        let conn = hub.connect(Guid::private()).unwrap();
        let ask = || {
            let question = Input::Admin { conn, ticket: Ticket(1), command: AdminCommand::Totals };
            hub.step(conn, &mut vec![question], 0);
            let mut written = BytesMut::new();
            let (order, _) = hub.poll_peer(conn, Waker::noop(), &mut written);
            (order, written.is_empty())
        };
        assert_eq!(ask(), (Order::Go, false));
        hub.export();
        assert_eq!(ask(), (Order::Finish, true));
        hub.connect(Guid::private()).unwrap_err();
    }
}
