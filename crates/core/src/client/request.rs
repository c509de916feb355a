//! What a client sends and what comes back.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::Scope;
use crate::{
    Channel, Code, Codec, Envelope, Extras, Guid, Headers, Ledger, Outcome, Result, Status, Text,
    broker::EnqueueOptions,
};

/// An encoded request and how to send it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to.
    pub channel: Channel,
    /// The method's name.
    pub method: Text,
    /// How the payload is encoded.
    pub codec: Codec,
    /// The encoded message.
    pub payload: Bytes,
    /// What few requests carry: headers for the handler, the trace that it belongs to and who is asking. Of a trace and
    /// a principal that are not there, those of the call that is being served are taken.
    pub extras: Extras,
    /// How long the call may take; the client's default if none. The deadline of the call that is
    /// being served shortens it.
    pub timeout: Option<Duration>,
    /// Executing it twice does no more than executing it once.
    pub idempotent: bool,
    /// Priority and delay.
    pub enqueue: EnqueueOptions,
    /// The call on whose behalf it is made; set by a scoped client, so that it reaches through layers.
    pub(super) scope: Option<Arc<Scope>>,
}

impl Request {
    /// A request with everything else at its default.
    #[must_use]
    #[inline]
    pub fn new(channel: Channel, method: impl Into<Text>, codec: Codec, payload: Bytes) -> Self {
        Self {
            channel,
            method: method.into(),
            codec,
            payload,
            extras: Extras::new(),
            timeout: None,
            idempotent: false,
            enqueue: EnqueueOptions::default(),
            scope: None,
        }
    }

    /// The headers for the handler.
    pub fn headers_mut(&mut self) -> &mut Headers {
        self.extras.headers_mut()
    }

    /// Sends it to this instance, and to no other that serves the same queue. It is tried once: if the instance does
    /// not run, ends, or does not serve that queue, the call ends with `NotFound`, certainly not started.
    pub fn set_instance(&mut self, instance: Guid) {
        if let Channel::Queue(queue) = &self.channel {
            self.method = format!("{queue}/{}", self.method.as_str()).into();
        }
        self.channel = Channel::Instance(instance);
    }
}

/// An encoded reply.
#[derive(Clone, Debug)]
pub struct Response {
    /// How the payload is encoded.
    pub codec: Codec,
    /// The encoded message.
    pub payload: Bytes,
    /// Headers that the handler has set.
    pub headers: Headers,
    /// What the call cost, here and behind.
    pub ledger: Ledger,
    /// Which attempt this answer comes from, 1 for the first.
    pub attempt: u32,
    /// The instance that answered.
    pub origin: Option<Guid>,
}

/// A final reply as it has come, without a status.
pub(super) struct Reply(pub(super) Arc<Envelope>);

impl Reply {
    /// What the call has cost, on both sides.
    pub(super) fn ledger(&self) -> Ledger {
        self.0.ledger.merge(own_cost(1))
    }

    pub(super) fn into_response(self) -> Result<Response> {
        Response::from_envelope(Arc::unwrap_or_clone(self.0), own_cost(1))
    }

    /// The status of a reply that carries one.
    pub(super) fn into_status(self) -> Status {
        let ledger = self.ledger();
        let status = Arc::unwrap_or_clone(self.0).status;
        status.unwrap_or_else(|| Status::internal("a failed reply without a status")).with_ledger(ledger).received()
    }
}

/// What it has cost on the caller's side to send something, if it ended without a reply and with this error: nothing, if
/// there was no broker to send it to.
pub(super) fn sending_cost(error: Option<&Status>) -> Ledger {
    // The framework says so of nothing else.
    let is_unsent = |error: &Status| error.code() == Code::Unavailable && error.outcome() == Outcome::NotStarted;
    if error.is_some_and(is_unsent) { Ledger::default() } else { own_cost(0) }
}

/// What one attempt costs on the caller's side.
pub(super) fn own_cost(receives: u32) -> Ledger {
    Ledger { sends: 1, receives, settles: 0, retries: 0 }
}

impl Response {
    /// Takes a reply apart; `spent` is what the call cost on this side.
    pub(super) fn from_envelope(mut envelope: Envelope, spent: Ledger) -> Result<Self> {
        let ledger = envelope.ledger.merge(spent);
        match envelope.status {
            Some(status) => Err(status.with_ledger(ledger).received()),
            None => Ok(Self {
                codec: envelope.codec,
                payload: envelope.payload,
                headers: envelope.extras.take_headers(),
                ledger,
                attempt: envelope.attempt,
                origin: envelope.origin,
            }),
        }
    }
}
