//! Calls that wait for their reply.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use tokio::{runtime::Handle, sync::Notify, time::Instant};

use super::{
    buffer::{Feed, NotTaken, Reply},
    table::{Call, State, Table},
};
use crate::{
    Channel, Envelope, Guid, Kind, Outcome, Status,
    broker::{Broker, BrokerError, EnqueueOptions, ReplySink},
};

/// The table of pending calls. Deadlines are kept by one sweeper for all calls: it sleeps until the
/// earliest deadline that it has seen, so that a call that is answered in time costs no timer.
pub(super) struct Pending {
    table: Mutex<Table>,
    /// Wakes the sweeper: there is an earlier deadline, or no table any more.
    earlier: Arc<Notify>,
    limit: usize,
    broker: Weak<dyn Broker>,
}

impl Pending {
    pub(super) fn new(broker: &Arc<dyn Broker>, limit: usize) -> Arc<Self> {
        let table = Mutex::new(Table::new(Instant::now()));
        let limit = limit.min(u32::MAX as usize);
        Arc::new(Self { table, earlier: Arc::default(), limit, broker: Arc::downgrade(broker) })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while the table is locked; a poisoned one is whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new call with a GUID of its own, in the table until its ticket is given back.
    pub(super) fn enter(self: &Arc<Self>, now: Instant, deadline: Instant, state: State) -> Result<Ticket, Status> {
        let mut table = self.table();
        if table.len() >= self.limit {
            let message = format!("this client has {} calls under way, as many as it may have", self.limit);
            return Err(Status::resource_exhausted(message).with_outcome(Outcome::NotStarted));
        }
        let (slot, id) = table.insert(now, deadline, state);
        let nearer = table.earliest.is_none_or(|earliest| deadline < earliest);
        if nearer {
            table.earliest = Some(deadline);
        }
        let is_swept = table.is_swept;
        drop(table);
        if nearer {
            self.earlier.notify_one();
        }
        if !is_swept {
            self.start_sweeper();
        }
        Ok(Ticket { slot, id, gone: false })
    }

    /// Begins to wait for another reply to the same call.
    pub(super) fn wait_again(&self, ticket: &Ticket, waker: &Waker, deadline: Instant) {
        let mut table = self.table();
        if let Some(call) = table.at(ticket.slot) {
            call.state = State::Waiting(waker.clone());
            call.deadline = Some(deadline);
        }
        // The sweeper may have passed over the call while it was idle.
        table.earliest = table.earliest.map(|earliest| earliest.min(deadline)).or(Some(deadline));
        drop(table);
        self.earlier.notify_one();
    }

    /// The final reply.
    pub(super) fn poll_reply(self: &Arc<Self>, ticket: &mut Ticket, cx: &mut Context<'_>) -> Poll<Reply> {
        let mut table = self.table();
        let Some(call) = table.at(ticket.slot) else { return Poll::Pending };
        if let State::Waiting(waker) = &mut call.state {
            let old = (!waker.will_wake(cx.waker())).then(|| std::mem::replace(waker, cx.waker().clone()));
            let is_swept = table.is_swept;
            drop(table);
            // Not under the lock: with a waker its task may end, and with that another call.
            drop(old);
            if !is_swept {
                self.start_sweeper();
            }
            return Poll::Pending;
        }
        let State::Ended(reply) = std::mem::replace(&mut call.state, State::Idle) else { return Poll::Pending };
        // A reply ends the call, unless it is that the handler has failed: then there may be another attempt.
        if reply.as_ref().is_ok_and(|reply| reply.status.is_none()) {
            table.remove(ticket.slot);
            ticket.gone = true;
        }
        Poll::Ready(reply)
    }

    /// Gives a ticket back; its call is over.
    pub(super) fn leave(&self, ticket: &mut Ticket) {
        if !std::mem::replace(&mut ticket.gone, true) {
            let over = self.table().remove(ticket.slot);
            // Not under the lock, as above.
            drop(over);
        }
    }

    fn finish(&self, id: Guid, result: Reply) {
        let mut table = self.table();
        let Some(call) = table.find(id) else { return };
        match call.waiter() {
            Some(State::Waiting(waker)) => {
                call.state = State::Ended(result);
                drop(table);
                waker.wake();
            }
            Some(State::Stream(feed)) => {
                drop(table);
                feed.end(result);
            }
            _ => {}
        }
    }

    /// Ends every call of this kind that somebody waits for, with this result.
    fn finish_all(&self, which: impl Fn(Guid, Option<Instant>) -> bool, result: impl Fn() -> Status) {
        let (mut wakers, mut streams) = (Vec::new(), Vec::new());
        let mut table = self.table();
        for call in table.iter_mut().filter(|call| which(call.id, call.deadline)) {
            match call.waiter() {
                Some(State::Waiting(waker)) => {
                    call.state = State::Ended(Err(result()));
                    wakers.push(waker);
                }
                Some(State::Stream(feed)) => streams.push(feed),
                _ => {}
            }
        }
        table.earliest = table.iter_mut().filter_map(|call| call.deadline).min();
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
        streams.into_iter().for_each(|feed| feed.end(Err(result())));
    }

    /// Has this runtime end calls at their deadline. Whoever calls next does it where there is none.
    fn start_sweeper(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !std::mem::replace(&mut self.table().is_swept, true) {
            runtime.spawn(Self::sweep(Sweeper(Arc::downgrade(self))));
        }
    }

    /// Ends calls at their deadline, for as long as anybody else holds the table.
    async fn sweep(sweeper: Sweeper) {
        let pending = &sweeper.0;
        let Some(earlier) = pending.upgrade().map(|this| Arc::clone(&this.earlier)) else { return };
        loop {
            let Some(earliest) = pending.upgrade().map(|this| this.table().earliest) else { return };
            let sleep = async {
                match earliest {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => if let Some(this) = pending.upgrade() { this.expire(Instant::now()) },
                () = earlier.notified() => {}
            }
        }
    }

    fn expire(&self, now: Instant) {
        self.finish_all(
            |_, deadline| deadline.is_some_and(|at| at <= now),
            || {
                let message = "no reply came before the deadline; whether the handler ran is not known";
                Status::deadline_exceeded(message).with_outcome(Outcome::Unknown)
            },
        );
    }

    /// Tells the instance that runs a call that nobody waits for it any more. What it has sent before it hears that is no
    /// reason to tell it again.
    fn cancel(&self, id: Guid, origin: Option<Guid>) {
        let is_due = |instance: &Guid| self.table().dismissed.is_due(id, *instance, Instant::now());
        if let (Some(instance), Some(broker)) = (origin.filter(is_due), self.broker.upgrade()) {
            let cancel = Arc::new(Envelope::new(Kind::Cancel, id));
            // If the instance is gone there is nothing left to cancel.
            drop(broker.enqueue(&Channel::Instance(instance), cancel, EnqueueOptions::default()));
        }
    }

    fn partial(&self, envelope: Arc<Envelope>) {
        let (id, origin) = (envelope.id, envelope.origin);
        let forwarded = self.table().forward(envelope);
        match forwarded {
            Forwarded::Yes(reader) => return reader.into_iter().for_each(Waker::wake),
            Forwarded::Nobody => {}
            Forwarded::Broken(feed, status) => feed.end(Err(status)),
        }
        self.cancel(id, origin);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.earlier.notify_one();
    }
}

/// Held by the task that ends calls at their deadline. That may go with its runtime while the client lives on in another:
/// then those who still wait are woken, so that one of them starts it anew where it runs itself.
struct Sweeper(Weak<Pending>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        let Some(pending) = self.0.upgrade() else { return };
        let mut table = pending.table();
        table.is_swept = false;
        let waiting = |call: &mut Call| match &call.state {
            State::Waiting(waker) => Some(waker.clone()),
            _ => None,
        };
        let wakers: Vec<Waker> = table.iter_mut().filter_map(waiting).collect();
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }
}

enum Forwarded {
    /// It is there, and this one waits for it.
    Yes(Option<Waker>),
    /// Nobody waits for it any more.
    Nobody,
    /// The stream cannot go on.
    Broken(Feed, Status),
}

impl Table {
    fn forward(&mut self, envelope: Arc<Envelope>) -> Forwarded {
        let Some(call) = self.find(envelope.id) else { return Forwarded::Nobody };
        let feed = match &call.state {
            State::Stream(feed) => feed,
            // A caller that asked for one reply of a handler that streams gets the final one.
            State::Waiting(_) => return Forwarded::Yes(None),
            State::Idle | State::Ended(_) => return Forwarded::Nobody,
        };
        let restarted = envelope.kind == Kind::Started && call.deadline.is_none();
        call.deadline = None;
        let status = if restarted {
            let message = "the worker was lost in the middle of the stream and another has begun it anew";
            Status::aborted(message).with_outcome(Outcome::Unknown)
        } else {
            match feed.push(envelope) {
                Ok(reader) => return Forwarded::Yes(reader),
                Err(NotTaken::Unread) => return Forwarded::Nobody,
                Err(NotTaken::Full) => Status::resource_exhausted("the stream was read too slowly"),
            }
        };
        match call.waiter() {
            Some(State::Stream(feed)) => Forwarded::Broken(feed, status),
            _ => Forwarded::Nobody,
        }
    }
}

impl ReplySink for Pending {
    fn reply(&self, envelope: Arc<Envelope>) {
        match envelope.kind {
            Kind::Partial | Kind::Started => self.partial(envelope),
            _ => self.finish(envelope.id, Ok(envelope)),
        }
    }

    fn refused(&self, call: Guid, error: BrokerError) {
        self.finish(call, Err(error.into()));
    }

    fn lost(&self, error: BrokerError, unsent: &HashSet<Guid>) {
        self.finish_all(|id, _| !unsent.contains(&id), || error.clone().into());
    }
}

/// A call's place in the table.
pub(super) struct Ticket {
    slot: usize,
    id: Guid,
    gone: bool,
}

impl Ticket {
    /// The call's GUID.
    pub(super) const fn id(&self) -> Guid {
        self.id
    }
}

/// Keeps a call in the table; dropping it takes the call out.
pub(super) struct Entry {
    pending: Arc<Pending>,
    ticket: Ticket,
}

impl Entry {
    /// Keeps the call of this ticket.
    pub(super) fn new(pending: &Arc<Pending>, ticket: Ticket) -> Self {
        Self { pending: Arc::clone(pending), ticket }
    }

    /// Begins to wait for another reply to the same call.
    pub(super) fn wait_again(&self, waker: &Waker, deadline: Instant) {
        self.pending.wait_again(&self.ticket, waker, deadline);
    }

    /// The final reply.
    pub(super) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        self.pending.poll_reply(&mut self.ticket, cx)
    }

    /// Tells the worker to stop.
    pub(super) fn cancel(&self, origin: Option<Guid>) {
        self.pending.cancel(self.ticket.id, origin);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.pending.leave(&mut self.ticket);
    }
}
