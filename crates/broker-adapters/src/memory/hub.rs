//! [`Hub`]: the shared engine, and who hands out what it decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skyloom_broker::engine::{Conn, ConsumerId, Input, Limits, Ticket};
use skyloom_core::{
    Channel, Guid,
    broker::{Ack, AckSender, BrokerError, ConsumeOptions, Delivery, Leases, ReplySink},
};
use tokio::{
    runtime::Handle,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

use super::{
    dispatch::Dispatch,
    state::{Answer, Body, State, Stream},
    timer::Office,
};
use crate::registry::RegistryView;

/// Any ticket but [`Ticket::NONE`]: the answer comes out of the step that asked.
pub(super) const TICKET: Ticket = Ticket(1);

/// As many entries as the queue keeps room for between bursts.
const SPARE: usize = 1_024;

/// What all connections to one engine share.
pub(super) struct Hub {
    locked: Mutex<Locked>,
}

struct Locked {
    state: State,
    /// Whether somebody is handing out; he also hands out what is added meanwhile.
    dispatching: bool,
    spare: Vec<Dispatch>,
}

impl Hub {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let locked = Locked { state: State::new(limits), dispatching: false, spare: Vec::new() };
        Arc::new(Self { locked: Mutex::new(locked) })
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        // No user code runs under the lock; a poisoned engine is whole.
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection.
    pub(super) fn connect(self: &Arc<Self>) -> Conn {
        let mut locked = self.lock();
        let conn = locked.state.next_connection();
        // Nobody resumes a session here: a connection lives as long as its handle.
        self.step_locked(&mut locked, Input::Connect { conn, session: Guid::private() });
        conn
    }

    /// Takes one step and hands out what it brings about.
    pub(super) fn step(self: &Arc<Self>, input: Input<Body>) -> Answer {
        let mut locked = self.lock();
        let answer = self.step_locked(&mut locked, input);
        self.dispatch(locked);
        answer
    }

    /// As [`Hub::step`], for what is answered by yes or no.
    pub(super) fn ask(self: &Arc<Self>, input: Input<Body>) -> Result<(), BrokerError> {
        self.step(input).done.unwrap_or_else(|| Err(closed()))
    }

    fn step_locked(self: &Arc<Self>, locked: &mut Locked, input: Input<Body>) -> Answer {
        let answer = locked.state.step(input);
        self.arm(&mut locked.state);
        answer
    }

    pub(super) fn consume(
        self: &Arc<Self>,
        conn: Conn,
        channel: Channel,
        options: ConsumeOptions,
        leases: Arc<dyn Leases>,
    ) -> Result<(ConsumerId, UnboundedReceiver<Delivery>), BrokerError> {
        let (sender, deliveries) = unbounded_channel();
        let mut locked = self.lock();
        let consumer = locked.state.next_consumer();
        locked.state.streams.insert(consumer, Stream { conn, sender, leases });
        let input = Input::Consume { conn, ticket: TICKET, consumer, channel, options };
        let done = self.step_locked(&mut locked, input).done.unwrap_or_else(|| Err(closed()));
        if let Err(error) = done {
            let refused = locked.state.streams.remove(&consumer);
            self.dispatch(locked);
            // Not under the lock: it may hold the last handle.
            drop(refused);
            return Err(error);
        }
        self.dispatch(locked);
        Ok((consumer, deliveries))
    }

    /// The [`Ack`] comes after every delivery that was made before.
    pub(super) fn stop(self: &Arc<Self>, conn: Conn, consumer: ConsumerId) -> Ack {
        let (waiting, ack) = Ack::waiting();
        let mut locked = self.lock();
        self.step_locked(&mut locked, Input::Stop { conn, ticket: TICKET, consumer });
        let stream = locked.state.streams.remove(&consumer);
        self.end(&mut locked, stream.as_ref(), Some(waiting));
        self.dispatch(locked);
        drop(stream);
        ack
    }

    fn end(&self, locked: &mut Locked, stream: Option<&Stream>, waiting: Option<AckSender>) {
        let sender = stream.map(|stream| stream.sender.clone());
        locked.state.queue.push(Dispatch::Ended(sender, waiting));
    }

    pub(super) fn open_inbox(self: &Arc<Self>, conn: Conn, sink: Arc<dyn ReplySink>) -> Result<Guid, BrokerError> {
        let inbox = Guid::private();
        self.lock().state.inboxes.insert(inbox, (conn, sink));
        let opened = self.ask(Input::OpenInbox { conn, ticket: TICKET, inbox });
        if opened.is_err() {
            self.forget_inbox(inbox);
        }
        opened.map(|()| inbox)
    }

    pub(super) fn close_inbox(self: &Arc<Self>, conn: Conn, inbox: Guid) {
        self.step(Input::CloseInbox { conn, inbox });
        self.forget_inbox(inbox);
    }

    fn forget_inbox(&self, inbox: Guid) {
        let forgotten = self.lock().state.inboxes.remove(&inbox);
        // Not under the lock: dropping a sink runs its owner's code.
        drop(forgotten);
    }

    pub(super) fn follow(self: &Arc<Self>, conn: Conn) -> Arc<RegistryView> {
        let mut locked = self.lock();
        if let Some(view) = locked.state.views.get(&conn) {
            return Arc::clone(view);
        }
        let view = Arc::<RegistryView>::default();
        locked.state.views.insert(conn, Arc::clone(&view));
        self.step_locked(&mut locked, Input::Watch { conn });
        self.dispatch(locked);
        view
    }

    /// Ends a connection: its streams end, its inboxes hear that nothing more comes.
    pub(super) fn disconnect(self: &Arc<Self>, conn: Conn) {
        let mut locked = self.lock();
        self.step_locked(&mut locked, Input::Disconnect(conn));
        let streams: Vec<Stream> =
            locked.state.streams.extract_if(|_, stream| stream.conn == conn).map(|e| e.1).collect();
        for stream in &streams {
            self.end(&mut locked, Some(stream), None);
        }
        let inboxes: Vec<_> = locked.state.inboxes.extract_if(|_, (owner, _)| *owner == conn).collect();
        locked.state.queue.extend(inboxes.into_iter().map(|(_, (_, sink))| Dispatch::Lost(sink)));
        locked.state.views.remove(&conn);
        self.dispatch(locked);
        drop(streams);
    }

    /// Hands out what is queued, unless somebody does so already.
    fn dispatch<'a>(&'a self, mut locked: MutexGuard<'a, Locked>) {
        if locked.dispatching || locked.state.queue.is_empty() {
            return;
        }
        locked.dispatching = true;
        let mut turn = Turn { hub: self, over: false };
        let mut batch = std::mem::take(&mut locked.spare);
        while !locked.state.queue.is_empty() {
            std::mem::swap(&mut batch, &mut locked.state.queue);
            drop(locked);
            batch.drain(..).for_each(Dispatch::run);
            locked = self.lock();
        }
        batch.shrink_to(SPARE);
        locked.spare = batch;
        locked.dispatching = false;
        turn.over = true;
    }

    /// Sees to it that the engine is woken in time. Without a runtime it is woken by the next step.
    fn arm(self: &Arc<Self>, state: &mut State) {
        let Some(at) = state.next_wakeup() else { return };
        if state.timer.covers(at) || state.timer.advance(at) {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let (hub, office) = (Arc::downgrade(self), state.timer.appoint(at));
            runtime.spawn(office.run(move |office| hub.upgrade()?.tick(office)));
        }
    }

    /// For the timer's task: lets time pass, and says when to look again.
    fn tick(self: &Arc<Self>, office: &Office) -> Option<Instant> {
        let mut locked = self.lock();
        self.step_locked(&mut locked, Input::Tick);
        let at = locked.state.next_wakeup();
        locked.state.timer.rearm(office, at);
        self.dispatch(locked);
        at
    }
}

pub(super) fn closed() -> BrokerError {
    BrokerError::unavailable("it was closed")
}

/// Somebody's turn to hand out. A sink that panics must not end it for everybody.
struct Turn<'a> {
    hub: &'a Hub,
    /// It has come to its end and the lock may be held.
    over: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.hub.lock().dispatching = false;
        }
    }
}
