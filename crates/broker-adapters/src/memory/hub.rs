//! [`Hub`]: the shared engine, and who hands out what it decides.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use skyloom_broker::engine::{Conn, ConsumerId, Input, Limits, Message, Settle, Ticket};
use skyloom_core::{
    Channel, Guid,
    broker::{BrokerError, ConsumeOptions, Lease, ReplySink},
};
use tokio::{runtime::Handle, time::Instant};

use super::{
    dispatch::Dispatch,
    state::{Answer, State},
    stream::{Body, Given, Stream},
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
        locked.state.step(Input::Connect { conn, session: Guid::private() });
        self.hand_out(locked);
        conn
    }

    /// Takes one step and hands out what it brings about.
    pub(super) fn step(self: &Arc<Self>, input: Input<Body>) -> Answer {
        let mut locked = self.lock();
        let answer = locked.state.step(input);
        self.hand_out(locked);
        answer
    }

    /// As [`Hub::step`], for what is answered by yes or no.
    pub(super) fn ask(self: &Arc<Self>, input: Input<Body>) -> Result<(), BrokerError> {
        self.step(input).done.unwrap_or_else(|| Err(closed()))
    }

    /// Puts a message on a channel.
    pub(super) fn enqueue(
        self: &Arc<Self>,
        conn: Conn,
        channel: &Channel,
        message: Message<Body>,
    ) -> Result<(), BrokerError> {
        let mut locked = self.lock();
        let done = locked.state.enqueue(conn, channel, message);
        self.hand_out(locked);
        done.unwrap_or_else(|| Err(closed()))
    }

    /// Ends a lease.
    pub(super) fn settle(self: &Arc<Self>, conn: Conn, lease: Lease, settle: Settle<Body>) -> Result<(), BrokerError> {
        let mut locked = self.lock();
        let done = locked.state.settle(conn, lease, settle);
        self.hand_out(locked);
        done.unwrap_or_else(|| Err(closed()))
    }

    pub(super) fn consume(
        self: &Arc<Self>,
        conn: Conn,
        channel: Channel,
        options: ConsumeOptions,
    ) -> Result<ConsumerId, BrokerError> {
        let mut locked = self.lock();
        let consumer = locked.state.next_consumer();
        locked.state.streams.insert(consumer, Stream::new(conn));
        let answer = locked.state.step(Input::Consume { conn, ticket: TICKET, consumer, channel, options });
        let done = answer.done.unwrap_or_else(|| Err(closed()));
        if done.is_err() {
            locked.state.streams.remove(&consumer);
        }
        self.hand_out(locked);
        done.map(|()| consumer)
    }

    /// Gives a consumer no more: what it was given before is in its stream, and then that ends.
    pub(super) fn stop(self: &Arc<Self>, conn: Conn, consumer: ConsumerId) {
        let mut locked = self.lock();
        locked.state.step(Input::Stop { conn, ticket: TICKET, consumer });
        locked.state.end_streams(|id, _| id == consumer);
        self.hand_out(locked);
    }

    /// Takes all that a consumer has been given. Pending if there is nothing yet: then the waker is
    /// woken when there is.
    pub(super) fn take(&self, consumer: ConsumerId, taken: &mut VecDeque<Given>, waker: Option<&Waker>) -> Poll<()> {
        let mut locked = self.lock();
        let Some(stream) = locked.state.streams.get_mut(&consumer) else { return Poll::Ready(()) };
        std::mem::swap(&mut stream.given, taken);
        if !taken.is_empty() || stream.ended {
            return Poll::Ready(());
        }
        if stream.waker.as_ref().zip(waker).is_some_and(|(old, new)| old.will_wake(new)) {
            return Poll::Pending;
        }
        let old = std::mem::replace(&mut stream.waker, waker.cloned());
        drop(locked);
        // Not under the lock: with a waker its task may end.
        drop(old);
        Poll::Pending
    }

    pub(super) fn forget_stream(&self, consumer: ConsumerId) {
        let forgotten = self.lock().state.streams.remove(&consumer);
        // Not under the lock, as above.
        drop(forgotten);
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
        locked.state.step(Input::Watch { conn });
        self.hand_out(locked);
        view
    }

    /// Ends a connection: its streams end, its inboxes hear that nothing more comes.
    pub(super) fn disconnect(self: &Arc<Self>, conn: Conn) {
        let mut locked = self.lock();
        locked.state.step(Input::Disconnect(conn));
        locked.state.end_streams(|_, stream| stream.conn == conn);
        let inboxes: Vec<_> = locked.state.inboxes.extract_if(|_, (owner, _)| *owner == conn).collect();
        locked.state.queue.extend(inboxes.into_iter().map(|(_, (_, sink))| Dispatch::Lost(sink)));
        locked.state.views.remove(&conn);
        self.hand_out(locked);
    }

    /// After a step: arms the timer, unlocks, and hands out.
    fn hand_out(self: &Arc<Self>, mut locked: MutexGuard<'_, Locked>) {
        self.arm(&mut locked.state);
        let Locked { state, dispatching, .. } = &mut *locked;
        let idle = !*dispatching;
        let mut alone = state.alone.take();
        if let Some((sink, reply)) = alone.take_if(|_| !idle) {
            // Whoever hands out may have more for this sink, which comes first.
            state.queue.push(Dispatch::Reply(sink, reply));
        }
        let wakers = state.take_wakers();
        let more = idle && !state.queue.is_empty();
        drop(locked);
        if let Some(wakers) = wakers {
            wakers.wake();
        }
        if let Some((sink, reply)) = alone {
            sink.reply(reply);
        }
        if more {
            self.dispatch(self.lock());
        }
    }

    /// Hands out what is queued, unless somebody does so already.
    fn dispatch<'a>(&'a self, mut locked: MutexGuard<'a, Locked>) {
        if locked.dispatching {
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
        locked.state.step(Input::Tick);
        let at = locked.state.next_wakeup();
        locked.state.timer.rearm(office, at);
        let instant = at.and_then(|at| locked.state.instant(at));
        self.hand_out(locked);
        instant
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
