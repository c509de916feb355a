//! What comes to a worker: messages, and what the server says about its requests for them.

use std::{sync::Arc, time::Duration};

use async_nats::{Message, StatusCode, Subject};
use skyloom_core::{
    Channel, Envelope,
    broker::{BrokerError, Delivery, Lease},
};
use tokio::time::Instant;

use super::{
    again::Past,
    api::{self, AckSubject},
    dead::ONLY,
    link::Phase,
    names::Names,
    work::{Held, State, Waiting, Worker},
};
use crate::remote::{Absence, Notice, members};

/// How long the server keeps a request for work. For so long a process that hangs is still sent some, which nobody does
/// before the AckWait has ended. The server refuses a request of less than two heartbeats.
const PULL_TIME: Duration = Duration::from_secs(3);

/// How often the server says that it still has one.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// How many messages may wait for a worker's credit in core NATS, which knows none, before callers are refused.
const BACKLOG: usize = 4_096;

/// Whether a session can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    GoesOn,
    /// The server does not know our consumer or request any more.
    Ended,
}

impl Worker {
    /// Takes what came from JetStream.
    pub(super) fn receive(self: &Arc<Self>, message: Message) -> Session {
        let now = Instant::now();
        let mut state = self.state();
        state.heard = now;
        if let Some(status) = message.status {
            return said(&mut state, status, &message);
        }
        state.outstanding = state.outstanding.saturating_sub(1);
        let Some((ack, subject)) = message.reply.as_ref().and_then(|ack| Some((AckSubject::read(ack)?, ack.clone())))
        else {
            tracing::warn!(subject = %message.subject, "what came to a worker is no message of JetStream");
            return Session::GoesOn;
        };
        let body = message.payload.clone();
        if !self.is_for_us(&message) {
            drop(state);
            drop(self.acknowledge(&subject));
            return Session::GoesOn;
        }
        let envelope = match Envelope::decode(message.payload) {
            Ok(envelope) => Arc::new(envelope),
            Err(error) => {
                drop(state);
                tokio::spawn(Arc::clone(self).bury_garbage(body, subject, format!("it is no envelope: {error}")));
                return Session::GoesOn;
            }
        };
        let age = state.clock.map_or(Duration::ZERO, |clock| clock.age(ack.stored, now));
        if envelope.budget.is_some_and(|budget| age >= budget) {
            drop(state);
            let (attempt, _) = Past::read(message.headers.as_ref()).at(ack.delivered);
            self.expire(&envelope, attempt.saturating_sub(1), &subject);
            return Session::GoesOn;
        }
        let past = Past::read(message.headers.as_ref());
        if let (Some(delay), 1) = (past.delay, ack.delivered) {
            drop(state);
            drop(self.return_after(&subject, delay.saturating_sub(age)));
            return Session::GoesOn;
        }
        let (attempt, losses) = past.at(ack.delivered);
        let held = Held {
            attempt,
            losses,
            born: now.checked_sub(age).unwrap_or(now),
            ack: Some(subject),
            ends: now + self.options.lease,
            renewed: now,
            streamed: None,
            absence: Absence::default(),
            envelope,
        };
        if held.attempt > self.options.max_attempts {
            drop(state);
            let reason = "its last worker was lost, or did not finish in time".to_owned();
            let attempts = self.options.max_attempts;
            tokio::spawn(Arc::clone(self).bury(Held { attempt: attempts, ..held }, reason));
            return Session::GoesOn;
        }
        self.deliver(&mut state, held, age, now);
        Session::GoesOn
    }

    /// A letter that was sent on again is only for the group whose letter it was.
    fn is_for_us(&self, message: &Message) -> bool {
        let only = message.headers.as_ref().and_then(|headers| headers.get(ONLY));
        match (&self.channel, only) {
            (Channel::Group(_, group), Some(only)) => only.as_str() == group.as_str(),
            _ => true,
        }
    }

    fn expire(&self, envelope: &Envelope, attempts: u32, ack: &Subject) {
        self.tell_expired(envelope, attempts);
        drop(self.acknowledge(ack));
    }

    fn tell_expired(&self, envelope: &Envelope, attempts: u32) {
        if let Some(inbox) = envelope.reply_to {
            drop(self.handle.0.reply(inbox, &Notice::write(envelope.id, &BrokerError::expired_after(attempts))));
        }
    }

    pub(super) fn acknowledge(&self, ack: &Subject) -> Result<(), BrokerError> {
        self.handle.0.publish(ack.clone(), None, None, "+ACK".into())
    }

    /// Puts work into the stream of deliveries under a lease.
    pub(super) fn deliver(self: &Arc<Self>, state: &mut State, held: Held, age: Duration, now: Instant) {
        let Some(deliveries) = &state.deliveries else { return };
        let deadline = held.envelope.budget.and_then(|budget| now.checked_add(budget.saturating_sub(age)));
        let number = state.leases + 1;
        let delivery =
            Delivery::new(Arc::clone(&held.envelope), Lease { slot: 0, number }, self.options.lease, self.clone())
                .with_attempt(held.attempt)
                .with_losses(held.losses)
                .with_deadline(deadline);
        // A consumer that is being dropped gives back what is in its stream; it may not see this any more.
        let sent = deliveries.send(delivery);
        state.leases = number;
        let is_first = state.held.is_empty();
        state.held.insert(number, held);
        if is_first {
            self.leasing.notify_one();
        }
        if let Err(unseen) = sent {
            // To be dropped when the state is not locked any more.
            tokio::spawn(async move { drop(unseen) });
        }
    }

    /// Asks the server for as much as there is credit, if it is worth a request.
    pub(super) fn replenish(&self, state: &mut State) {
        let Some(room) = &state.room else { return };
        let taken = u32::try_from(state.held.len()).unwrap_or(u32::MAX).saturating_add(state.outstanding);
        let free = self.options.credit.saturating_sub(taken);
        let worth = (self.options.credit / 4).max(1);
        if free == 0 || (free < worth && state.outstanding > 0) || self.handle.0.phase() != Phase::Live {
            return;
        }
        let names = &self.handle.0.names;
        let Some(stream) = names.stream(&self.target) else { return };
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{}", Names::workers(&self.channel));
        let request = api::pull(free, PULL_TIME, HEARTBEAT);
        if self.handle.0.publish(subject, Some(room.clone()), None, request.into()).is_ok() {
            state.outstanding += free;
        }
    }

    /// Takes what came from core NATS, or keeps it until there is credit.
    pub(super) fn receive_core(self: &Arc<Self>, message: Message) {
        let Some(bodies) = members(message.payload) else {
            tracing::warn!(subject = %message.subject, "what came to a worker is no bundle of envelopes");
            return;
        };
        let came = Instant::now();
        for body in bodies {
            self.receive_one(Waiting { body, confirm: message.reply.clone(), came });
        }
    }

    fn receive_one(self: &Arc<Self>, message: Waiting) {
        let mut state = self.state();
        let free = (state.held.len() as u64) < u64::from(self.options.credit);
        if state.deliveries.is_none() {
            drop(state);
            return self.turn_away(message, "the worker has stopped");
        }
        if free && state.backlog.is_empty() {
            return self.take_core(&mut state, message);
        }
        if state.backlog.len() >= BACKLOG {
            drop(state);
            return self.turn_away(message, "the worker has too much to do");
        }
        state.backlog.push_back(message);
    }

    /// Delivers what waited for credit.
    pub(super) fn advance(self: &Arc<Self>, state: &mut State) {
        while (state.held.len() as u64) < u64::from(self.options.credit) && state.deliveries.is_some() {
            let Some(message) = state.backlog.pop_front() else { return };
            self.take_core(state, message);
        }
    }

    fn take_core(self: &Arc<Self>, state: &mut State, message: Waiting) {
        let now = Instant::now();
        let age = now.saturating_duration_since(message.came);
        let Ok(envelope) = Envelope::decode(message.body) else {
            tracing::warn!(channel = %self.channel, "what came to a worker is no envelope");
            return;
        };
        if envelope.budget.is_some_and(|budget| age >= budget) {
            return self.tell_expired(&envelope, 0);
        }
        // A call is confirmed by its reply.
        if let (None, Some(confirm)) = (envelope.reply_to, message.confirm) {
            drop(self.handle.0.publish(confirm, None, None, "+OK".into()));
        }
        let ends = now + self.options.lease;
        let held = Held {
            envelope: Arc::new(envelope),
            attempt: 1,
            losses: 0,
            born: message.came,
            ack: None,
            ends,
            renewed: now,
            streamed: None,
            absence: Absence::default(),
        };
        self.deliver(state, held, age, now);
    }

    /// Refuses work that cannot be done here.
    pub(super) fn turn_away(&self, message: Waiting, reason: &str) {
        let link = &self.handle.0;
        match (Envelope::decode(message.body), message.confirm) {
            (Ok(Envelope { reply_to: Some(inbox), id, .. }), _) => {
                drop(link.reply(inbox, &Notice::write(id, &BrokerError::unavailable(reason))));
            }
            (_, Some(confirm)) => drop(link.publish(confirm, None, None, format!("-{reason}").into())),
            _ => {}
        }
    }
}

/// What the server says about our requests.
fn said(state: &mut State, status: StatusCode, message: &Message) -> Session {
    let pending = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
    let pending = pending.and_then(|pending| pending.as_str().parse::<u32>().ok());
    match (status, pending) {
        (StatusCode::IDLE_HEARTBEAT, _) => Session::GoesOn,
        (StatusCode::TIMEOUT, pending) => {
            state.outstanding = state.outstanding.saturating_sub(pending.unwrap_or(u32::MAX));
            Session::GoesOn
        }
        _ => {
            tracing::debug!(%status, description = message.description, "a request for work has ended");
            Session::Ended
        }
    }
}
