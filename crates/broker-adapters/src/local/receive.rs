//! What becomes of a frame from the broker.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use skyloom_broker::{
    engine::{ConsumerId, Ticket},
    wire::ServerFrame,
};
use skyloom_core::{
    Envelope, Guid,
    broker::{BrokerError, Delivery, Lease, Leases, ReplySink, Settlement},
};
use tokio::{
    sync::mpsc::{UnboundedSender, error::SendError},
    time::Instant,
};

use super::{
    handle::Handle,
    leases::Batch,
    shared::Shared,
    stall::Stall,
    tickets::{AdminResult, Verdict, Waiting},
};

/// Hands out the frames of one read.
pub(super) struct Receiver<'a> {
    shared: &'a Shared,
    handle: &'a Weak<Handle>,
    received: Instant,
    stall: &'a mut Stall,
    /// Deliveries whose leases last equally long share one of these.
    batch: Option<(Duration, Arc<dyn Leases>)>,
    /// Where the last delivery went: those that come together mostly go to one consumer, ...
    stream: Option<(ConsumerId, UnboundedSender<Delivery>)>,
    /// ... and replies to one inbox.
    sink: Option<(Guid, Arc<dyn ReplySink>)>,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(shared: &'a Shared, handle: &'a Weak<Handle>, received: Instant, stall: &'a mut Stall) -> Self {
        Self { shared, handle, received, stall, batch: None, stream: None, sink: None }
    }

    /// Hands out a frame.
    ///
    /// # Errors
    /// Why the connection cannot go on.
    pub(super) fn receive(&mut self, frame: ServerFrame<Bytes>) -> Result<(), String> {
        match frame {
            ServerFrame::Deliver { consumer, lease, lease_time, attempt, time_to_live, body, .. } => {
                if let Some(leases) = self.leases(lease_time) {
                    let work = Work { consumer, lease, lease_time, attempt, time_to_live, body };
                    self.deliver(work, leases);
                }
            }
            ServerFrame::Reply { inbox, body } => self.reply(inbox, body),
            ServerFrame::Refused { inbox, call, error } => self.refused(inbox, call, error),
            ServerFrame::Done { ticket, result } => {
                if let Err(error) = &result {
                    tracing::debug!(%error, "the broker refused");
                }
                self.shared.change(|state| state.done(ticket, result));
            }
            ServerFrame::Admin { ticket, answer } => self.admin(ticket, Ok(answer)),
            ServerFrame::Registry(change) => {
                let view = self.shared.lock().standing.view.clone();
                if let Some(view) = view {
                    view.apply(change);
                }
            }
            ServerFrame::Pong => self.stall.ponged(),
            ServerFrame::GoAway { reason } => {
                tracing::info!(address = %self.shared.address, reason, "the broker is about to restart");
                self.shared.lock().leave();
            }
            ServerFrame::Failed { reason } => return Err(reason),
        }
        Ok(())
    }

    /// None if nobody is there to settle any more; the connection is about to end then.
    fn leases(&mut self, lease_time: Duration) -> Option<Arc<dyn Leases>> {
        if let Some((time, leases)) = &self.batch
            && *time == lease_time
        {
            return Some(Arc::clone(leases));
        }
        let handle = self.handle.upgrade()?;
        let leases: Arc<dyn Leases> = Arc::new(Batch::new(handle, self.stall.came(self.received), lease_time));
        self.batch = Some((lease_time, Arc::clone(&leases)));
        Some(leases)
    }

    fn deliver(&mut self, work: Work, leases: Arc<dyn Leases>) {
        let Work { consumer, lease, lease_time, attempt, time_to_live, body } = work;
        let age = self.received.saturating_duration_since(self.stall.came(self.received));
        if !age.is_zero() && time_to_live.unwrap_or(lease_time).min(lease_time) <= age {
            // While this process stood still its time, or its lease, may have ended. The broker knows: it tells the
            // caller, or delivers it again as the same attempt.
            return drop(leases.settle(lease, Settlement::Release));
        }
        let envelope = match Envelope::decode(body) {
            Ok(envelope) => Arc::new(envelope),
            Err(error) => {
                let reason = format!("the worker cannot read it: {error}");
                return drop(leases.settle(lease, Settlement::Bury { reason }));
            }
        };
        let deadline = time_to_live.and_then(|left| self.received.checked_add(left));
        let delivery = Delivery::new(envelope, lease, lease_time, leases).with_attempt(attempt).with_deadline(deadline);
        let undelivered = match self.stream(consumer) {
            Some(stream) => stream.send(delivery).err().map(|SendError(delivery)| delivery),
            None => Some(delivery),
        };
        if let Some(delivery) = undelivered {
            // The consumer was dropped a moment ago and has not seen it: no attempt.
            drop(delivery.settle(Settlement::Release));
        }
    }

    fn stream(&mut self, consumer: ConsumerId) -> Option<&UnboundedSender<Delivery>> {
        if self.stream.as_ref().is_none_or(|(known, _)| *known != consumer) {
            let state = self.shared.lock();
            let stream = state.standing.streams.get(&consumer).map(|stream| (consumer, stream.sender.clone()));
            drop(state);
            self.stream = stream;
        }
        self.stream.as_ref().map(|(_, stream)| stream)
    }

    fn sink(&mut self, inbox: Guid) -> Option<&Arc<dyn ReplySink>> {
        if self.sink.as_ref().is_none_or(|(known, _)| *known != inbox) {
            let sink = self.shared.lock().standing.sinks.get(&inbox).map(|sink| (inbox, Arc::clone(&sink.sink)));
            // Not under the lock: dropping a sink runs its owner's code.
            self.sink = sink;
        }
        self.sink.as_ref().map(|(_, sink)| sink)
    }

    fn reply(&mut self, inbox: Guid, body: Bytes) {
        let Some(sink) = self.sink(inbox) else { return };
        match Envelope::decode(body) {
            Ok(envelope) => sink.reply(Arc::new(envelope)),
            Err(error) => tracing::warn!(%inbox, %error, "a reply cannot be read; its caller waits until its deadline"),
        }
    }

    fn refused(&mut self, inbox: Guid, call: Guid, error: BrokerError) {
        if let Some(sink) = self.sink(inbox) {
            sink.refused(call, error);
        }
    }

    fn admin(&self, ticket: Ticket, answer: AdminResult) {
        let waiting = self.shared.lock().tickets.take(ticket);
        if let Some(Waiting::Admin(sender)) = waiting {
            Verdict::Admin(sender, answer).tell();
        }
    }
}

/// A delivery as it came.
struct Work {
    consumer: ConsumerId,
    lease: Lease,
    lease_time: Duration,
    attempt: u32,
    time_to_live: Option<Duration>,
    body: Bytes,
}
