//! Calls that wait for their reply.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

use crate::{
    Channel, Envelope, Guid, Kind, Outcome, Status,
    broker::{Broker, BrokerError, EnqueueOptions, ReplySink},
};

/// Who waits for a call.
pub(super) enum Waiter {
    /// For one final reply.
    Unary(oneshot::Sender<Result<Arc<Envelope>, Status>>),
    /// For partial replies and a final one.
    Stream(mpsc::Sender<Result<Arc<Envelope>, Status>>),
}

struct Waiting {
    /// None once a stream has started: from then on it ends when its reader or its handler ends it.
    deadline: Option<Instant>,
    waiter: Waiter,
}

#[derive(Default)]
struct Table {
    calls: HashMap<Guid, Waiting, foldhash::fast::RandomState>,
    /// No deadline is earlier than this; it may be too early, never too late.
    earliest: Option<Instant>,
}

/// The table of pending calls. Deadlines are kept by one sweeper for all calls: it sleeps until the
/// earliest deadline that it has seen, so that a call that is answered in time costs no timer.
pub(super) struct Pending {
    table: Mutex<Table>,
    earlier: Notify,
    limit: usize,
    broker: Weak<dyn Broker>,
}

impl Pending {
    pub(super) fn new(broker: &Arc<dyn Broker>, limit: usize) -> Arc<Self> {
        Arc::new(Self { table: Mutex::default(), earlier: Notify::new(), limit, broker: Arc::downgrade(broker) })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while the table is locked; a poisoned one is whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a call's replies until the guard is dropped.
    pub(super) fn insert(self: &Arc<Self>, id: Guid, deadline: Instant, waiter: Waiter) -> Result<Entry, Status> {
        let mut table = self.table();
        if table.calls.len() >= self.limit {
            let message = format!("this client has {} calls under way, as many as it may have", self.limit);
            return Err(Status::resource_exhausted(message).with_outcome(Outcome::NotStarted));
        }
        table.calls.insert(id, Waiting { deadline: Some(deadline), waiter });
        if table.earliest.is_none_or(|earliest| deadline < earliest) {
            table.earliest = Some(deadline);
            drop(table);
            self.earlier.notify_one();
        }
        Ok(Entry { pending: Arc::clone(self), id, ended: false })
    }

    fn finish(&self, id: Guid, result: Result<Arc<Envelope>, Status>) {
        let waiting = self.table().calls.remove(&id);
        if let Some(Waiting { waiter, .. }) = waiting {
            waiter.finish(result);
        }
    }

    /// Ends calls at their deadline, for as long as anybody holds the table.
    pub(super) async fn sweep(pending: Weak<Self>) {
        loop {
            let Some(this) = pending.upgrade() else { return };
            let earliest = this.table().earliest;
            let sleep = async {
                match earliest {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => this.expire(Instant::now()),
                () = this.earlier.notified() => {}
            }
        }
    }

    fn expire(&self, now: Instant) {
        let mut table = self.table();
        let due: Vec<Guid> = table
            .calls
            .iter()
            .filter(|(_, call)| call.deadline.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        let expired: Vec<Waiting> = due.iter().filter_map(|id| table.calls.remove(id)).collect();
        table.earliest = table.calls.values().filter_map(|call| call.deadline).min();
        drop(table);
        for call in expired {
            let message = "no reply came before the deadline; whether the handler ran is not known";
            call.waiter.finish(Err(Status::deadline_exceeded(message).with_outcome(Outcome::Unknown)));
        }
    }

    /// Tells the instance that runs a call that nobody waits for it any more.
    fn cancel(&self, id: Guid, origin: Option<Guid>) {
        if let (Some(instance), Some(broker)) = (origin, self.broker.upgrade()) {
            let cancel = Arc::new(Envelope::new(Kind::Cancel, id));
            // If the instance is gone there is nothing left to cancel.
            drop(broker.enqueue(&Channel::Instance(instance), cancel, EnqueueOptions::default()));
        }
    }

    fn partial(&self, envelope: Arc<Envelope>) {
        let (id, origin) = (envelope.id, envelope.origin);
        match self.table().forward(envelope) {
            Forwarded::Yes => return,
            Forwarded::Nobody => {}
            Forwarded::Broken(waiter, status) => waiter.finish(Err(status)),
        }
        self.cancel(id, origin);
    }
}

enum Forwarded {
    Yes,
    /// Nobody waits for it any more.
    Nobody,
    /// The stream cannot go on.
    Broken(Waiter, Status),
}

impl Table {
    fn forward(&mut self, envelope: Arc<Envelope>) -> Forwarded {
        let id = envelope.id;
        let Some(call) = self.calls.get_mut(&id) else { return Forwarded::Nobody };
        // A caller that asked for one reply of a handler that streams gets the final one.
        let Waiter::Stream(sender) = &call.waiter else { return Forwarded::Yes };
        let restarted = envelope.kind == Kind::Started && call.deadline.is_none();
        call.deadline = None;
        let status = if restarted {
            let message = "the worker was lost in the middle of the stream and another has begun it anew";
            Status::aborted(message).with_outcome(Outcome::Unknown)
        } else {
            match sender.try_send(Ok(envelope)) {
                Ok(()) => return Forwarded::Yes,
                Err(mpsc::error::TrySendError::Closed(_)) => return Forwarded::Nobody,
                Err(mpsc::error::TrySendError::Full(_)) => Status::resource_exhausted("the stream was read too slowly"),
            }
        };
        match self.calls.remove(&id) {
            Some(call) => Forwarded::Broken(call.waiter, status),
            None => Forwarded::Nobody,
        }
    }
}

impl Waiter {
    fn finish(self, result: Result<Arc<Envelope>, Status>) {
        match self {
            // A caller that has gone away needs no result.
            Self::Unary(sender) => drop(sender.send(result)),
            Self::Stream(sender) => {
                if let Err(mpsc::error::TrySendError::Full(result)) = sender.try_send(result) {
                    // The reader is behind; it gets the end when it has made room.
                    tokio::spawn(async move { drop(sender.send(result).await) });
                }
            }
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
        let calls: Vec<_> = self.table().calls.extract_if(|id, _| !unsent.contains(id)).collect();
        for (_, call) in calls {
            call.waiter.finish(Err(error.clone().into()));
        }
    }
}

/// Keeps a call in the table; dropping it takes the call out.
pub(super) struct Entry {
    pending: Arc<Pending>,
    id: Guid,
    ended: bool,
}

impl Entry {
    /// Whoever has given a call its result has taken it out of the table already.
    pub(super) fn ended<T>(mut self, result: T) -> T {
        self.ended = true;
        result
    }

    /// Tells the worker to stop.
    pub(super) fn cancel(&self, origin: Option<Guid>) {
        self.pending.cancel(self.id, origin);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.pending.table().calls.remove(&self.id);
        }
    }
}
