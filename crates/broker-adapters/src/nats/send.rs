//! The way of a message from a handle to the server, and of its confirmation back.

use std::sync::Arc;

use async_nats::{Message, StatusCode, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use skyloom_core::broker::BrokerError;

use super::{
    api::{ApiError, Failed, Meaning},
    ask::{AskError, refused},
    link::{Link, Phase},
    names::Target,
    outbox::{Outbox, Outgoing, Replaced, Then, Verdict},
};
use crate::remote::Pauses;

impl Link {
    /// Sends a message now, or holds it until that is possible.
    pub(super) fn submit(self: &Arc<Self>, outgoing: Outgoing) {
        let mut outbox = self.outbox();
        let number = outbox.number();
        let phase = self.phase();
        let shared = match (&outgoing.then, &outgoing.target) {
            (Then::Call { inbox, sent: None }, Target::Queue(_)) if self.options.core => Some(*inbox),
            _ => None,
        };
        if let (Some(inbox), Phase::Live) = (shared, phase) {
            // Others may be joined to it; the outbox is not needed for that.
            drop(outbox);
            let Some((number, outgoing)) = self.gather_call(inbox, number, outgoing) else { return };
            let verdict = self.send(&mut self.outbox(), number, outgoing);
            return self.tell(verdict);
        }
        let verdict = match phase {
            Phase::Closed => Some(outgoing.settle(Err(self.away()))),
            Phase::Live if self.is_ready(&outbox, &outgoing.target) => self.send(&mut outbox, number, outgoing),
            _ => self.hold(&mut outbox, number, outgoing),
        };
        drop(outbox);
        self.tell(verdict);
    }

    fn is_ready(&self, outbox: &Outbox, target: &Target) -> bool {
        self.is_core(target) || outbox.routes.get(target).is_some_and(|route| route.ready)
    }

    /// Whether a target is reached through core NATS, which keeps nothing.
    pub(super) fn is_core(&self, target: &Target) -> bool {
        self.options.core || matches!(target, Target::Instance(_))
    }

    pub(super) fn hold(self: &Arc<Self>, outbox: &mut Outbox, number: u64, outgoing: Outgoing) -> Option<Verdict> {
        let target = outgoing.target.clone();
        let held = outbox.hold(number, outgoing).err();
        self.chores.notify_one();
        if self.phase() == Phase::Live {
            self.prepare(outbox, &target);
        }
        held
    }

    /// Makes sure that a target's stream is there, and sends what waits for it.
    fn prepare(self: &Arc<Self>, outbox: &mut Outbox, target: &Target) {
        let route = outbox.route(target, || self.names.subject(target));
        if !route.busy {
            route.busy = true;
            tokio::spawn(Arc::clone(self).make_ready(target.clone(), route.failed));
        }
    }

    async fn make_ready(self: Arc<Self>, target: Target, has_failed: bool) {
        let mut pauses = Pauses::default();
        if has_failed {
            tokio::time::sleep(pauses.next()).await;
        }
        let error = loop {
            match self.ensure_stream(&target).await {
                Ok(()) => break None,
                Err(error) if error.meaning() != Meaning::NotNow => break Some(error),
                Err(error) => tracing::debug!(%target, ?error, "its stream is not available yet"),
            }
            tokio::time::sleep(pauses.next()).await;
            let is_needed = self.phase() == Phase::Live && self.outbox().holds(&target);
            if !is_needed {
                // Who needs it next tries anew.
                break None;
            }
        };
        self.prepared(&target, error).await;
    }

    async fn prepared(self: &Arc<Self>, target: &Target, error: Option<AskError>) {
        let error = match error {
            Some(error) => Some(self.stream_error(target, error).await),
            None => None,
        };
        let mut outbox = self.outbox();
        let route = outbox.route(target, || self.names.subject(target));
        (route.busy, route.failed, route.ready) = (false, false, error.is_none());
        let held = outbox.take_held(|held| held.target == *target);
        let verdicts: Vec<_> = match error {
            Some(error) => held.into_iter().map(|(_, held)| Some(held.settle(Err(error.clone())))).collect(),
            None if self.phase() == Phase::Live => {
                held.into_iter().map(|(number, held)| self.send(&mut outbox, number, held)).collect()
            }
            None => held.into_iter().map(|(number, held)| outbox.hold(number, held).err()).collect(),
        };
        drop(outbox);
        verdicts.into_iter().for_each(|verdict| self.tell(verdict));
    }

    /// Sends what was held while there was no connection.
    pub(super) fn flush(self: &Arc<Self>) {
        let mut outbox = self.outbox();
        let mut verdicts = Vec::new();
        for (number, held) in outbox.take_held(|_| true) {
            verdicts.push(if self.is_ready(&outbox, &held.target) {
                self.send(&mut outbox, number, held)
            } else {
                self.hold(&mut outbox, number, held)
            });
        }
        drop(outbox);
        verdicts.into_iter().for_each(|verdict| self.tell(verdict));
    }

    fn send(&self, outbox: &mut Outbox, number: u64, mut outgoing: Outgoing) -> Option<Verdict> {
        if outgoing.is_abandoned() {
            // Who still listens has taken it back.
            return outgoing.replaces.is_none().then(|| outgoing.settle(Err(self.waited_in_vain())));
        }
        if let Some(error) = outbox.congestion() {
            return Some(outgoing.settle(Err(error)));
        }
        let payload = outgoing.aged().encode();
        let is_core = self.is_core(&outgoing.target);
        let subject = outbox.subject(&outgoing.target).unwrap_or_else(|| self.names.subject(&outgoing.target).into());
        let needs_confirmation = match (&outgoing.target, &outgoing.then) {
            (Target::Topic(_), _) | (_, Then::Call { .. }) => !is_core,
            (_, Then::Confirm(_)) => true,
        };
        let place = needs_confirmation.then(|| outbox.place());
        let reply = match (place, &outgoing.then) {
            (Some(place), _) => Some(format!("{}.a.{place}", self.room).into()),
            // Only the refusal of a call that nobody could take comes there: its replies go to its inbox.
            (None, Then::Call { inbox, .. }) => {
                Some(self.names.unheard(*inbox, &outgoing.target, outgoing.envelope.id).into())
            }
            (None, Then::Confirm(_)) => None,
        };
        if let Err(error) = self.publish(subject, reply, outgoing.headers.clone(), payload) {
            return Some(outgoing.settle(Err(error)));
        }
        if let Then::Call { sent, .. } = &mut outgoing.then
            && let Some(sent) = sent.take()
        {
            sent.send(Ok(()));
        }
        if let Some(place) = place {
            outbox.note_sent(place, number, outgoing);
            return None;
        }
        Some(outgoing.settle(Ok(())))
    }

    pub(super) fn tell(&self, verdict: Option<Verdict>) {
        if let Some(verdict) = verdict {
            verdict.tell(|inbox| self.outbox().sink(inbox));
        }
    }

    /// Reads confirmations until the connection is closed.
    pub(super) async fn read_confirmations(self: Arc<Self>, mut confirmations: Subscriber) {
        loop {
            let message = tokio::select! {
                message = confirmations.next() => message,
                () = self.closed() => return,
            };
            let Some(message) = message else { return };
            self.confirm(&message);
            while let Some(Some(message)) = confirmations.next().now_or_never() {
                self.confirm(&message);
            }
        }
    }

    fn confirm(self: &Arc<Self>, message: &Message) {
        let place = message.subject.rsplit('.').next().and_then(|place| place.parse::<u64>().ok());
        let Some(place) = place else { return };
        let mut outbox = self.outbox();
        let Some((number, outgoing)) = outbox.confirmed(place) else { return };
        let verdict = match self.answer(message, &outgoing.target) {
            Answer::Settled(result) => {
                let result = self.replaced(&outgoing, result);
                Some(outgoing.settle(result))
            }
            Answer::NotYet => {
                // It was not kept. Its stream is gone, or has no leader at the moment.
                let route = outbox.route(&outgoing.target, || self.names.subject(&outgoing.target));
                (route.ready, route.failed) = (false, true);
                self.hold(&mut outbox, number, outgoing)
            }
        };
        drop(outbox);
        self.tell(verdict);
    }

    /// Ends the message that this was to replace: it is done with, or it comes again itself.
    fn replaced(&self, outgoing: &Outgoing, result: Result<(), BrokerError>) -> Result<(), BrokerError> {
        let Some(Replaced { ack, otherwise, .. }) = &outgoing.replaces else { return result };
        let word = match result {
            Ok(()) => "+ACK".to_owned(),
            Err(error) => {
                tracing::debug!(target = %outgoing.target, %error, "what is given back is counted as an attempt");
                otherwise.clone()
            }
        };
        self.publish(ack.clone(), None, None, word.into())
    }

    fn answer(&self, message: &Message, target: &Target) -> Answer {
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return if self.is_core(target) { Answer::Settled(Err(nobody(target))) } else { Answer::NotYet };
        }
        match message.payload.first() {
            Some(b'+') => Answer::Settled(Ok(())),
            Some(b'-') => {
                let reason = String::from_utf8_lossy(message.payload.get(1..).unwrap_or_default()).into_owned();
                Answer::Settled(Err(BrokerError::unavailable(reason)))
            }
            // An error would come first.
            _ if message.payload.starts_with(br#"{"stream":"#) => Answer::Settled(Ok(())),
            _ => match serde_json::from_slice(&message.payload) {
                Ok(Failed { error: Some(error) }) => self.failed(target, &error),
                Ok(Failed { error: None }) => Answer::Settled(Ok(())),
                Err(error) => Answer::Settled(Err(BrokerError::lost(format!("its confirmation is garbled: {error}")))),
            },
        }
    }

    fn failed(&self, target: &Target, error: &ApiError) -> Answer {
        match error.meaning() {
            Meaning::NotNow => Answer::NotYet,
            Meaning::TooLarge => {
                let limit = self.capabilities.max_message;
                Answer::Settled(Err(BrokerError::TooLarge { size: limit + 1, limit }))
            }
            _ => Answer::Settled(Err(refused(&target.to_string(), error))),
        }
    }
}

enum Answer {
    Settled(Result<(), BrokerError>),
    /// It was not kept, and may be in a moment.
    NotYet,
}

/// That nobody listens.
pub(super) fn nobody(target: &Target) -> BrokerError {
    match target {
        Target::Instance(instance) => BrokerError::Gone { instance: *instance },
        _ => BrokerError::unavailable(format!("nobody serves {target}, and core NATS keeps no work")),
    }
}
