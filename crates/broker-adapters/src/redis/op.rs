//! [`Op`]: one thing to do at a server, and who hears of it.

use std::sync::Arc;

use ::redis::{Cmd, Value};
use bytes::Bytes;
use skyloom_core::{
    Guid,
    broker::{AckSender, BrokerError, ReplySink},
};
use tokio::{sync::oneshot, time::Instant};

use super::names::Place;

/// Which of the messages of an entry: the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) of: u32,
}

impl Part {
    /// The only one.
    pub(super) const ONLY: Self = Self { number: 1, of: 1 };
}

/// What is to be done.
pub(super) enum What {
    /// Put a message on a channel: its delay in ms, and when its time runs out.
    Put { delay: u64, expires: Option<Instant>, body: Bytes },
    /// Put an event on every group of a topic.
    Publish { body: Bytes },
    /// The usual end of a lease: with this reply to this inbox, or done.
    Finish { id: Bytes, part: Part, size: usize, reply: Option<(Guid, Bytes)> },
    /// One or more other operations of `settle.lua`: so many, their arguments, and the lease that ends with them.
    Settle { count: usize, args: Vec<Bytes>, ends: Option<(Bytes, Part)> },
    /// Put a reply into an inbox.
    Reply { body: Bytes },
    /// Anything else, by itself; some of it may be done twice.
    Ask { command: Box<Cmd>, may_be_repeated: bool },
}

impl What {
    /// Say that the lease of a message has run out. Of one that was settled or taken away it changes nothing.
    pub(super) fn lapse(id: &Bytes, part: Part) -> Self {
        let mut args = vec![Bytes::from_static(b"lapse"), id.clone()];
        args.extend([part.number, part.of].map(|number| Bytes::from(number.to_string())));
        args.push(Bytes::from_static(b"its lease ended"));
        Self::Settle { count: 1, args, ends: None }
    }
}

/// Who hears how it ended.
pub(super) enum Then {
    Nobody,
    Ack(AckSender),
    /// The inbox of this call hears if it failed; nobody waits for success.
    Call(Arc<dyn ReplySink>, Guid),
    Answer(oneshot::Sender<Result<Value, BrokerError>>),
}

impl Then {
    /// Whether nobody wants to hear any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Nobody | Self::Call(..) => false,
            Self::Ack(sender) => sender.is_abandoned(),
            Self::Answer(sender) => sender.is_closed(),
        }
    }
}

/// One thing to do.
pub(super) struct Op {
    pub(super) place: Arc<Place>,
    pub(super) what: What,
    pub(super) then: Then,
    /// When waiting for a connection ends.
    pub(super) until: Option<Instant>,
    /// It was sent before, and the connection broke before the answer came.
    pub(super) repeated: bool,
    /// It must not be done twice: a part of a stream that comes again is another part to who reads it.
    pub(super) only_once: bool,
}

impl Op {
    /// To be done at this place.
    pub(super) fn new(place: Arc<Place>, what: What, then: Then) -> Self {
        Self { place, what, then, until: None, repeated: false, only_once: false }
    }

    /// With an end to waiting for a connection.
    pub(super) fn until(self, until: Option<Instant>) -> Self {
        Self { until, ..self }
    }

    /// Never sent again if nobody knows whether it was done.
    pub(super) fn only_once(self) -> Self {
        Self { only_once: true, ..self }
    }

    /// Bytes that it carries.
    pub(super) fn size(&self) -> usize {
        match &self.what {
            What::Put { body, .. } | What::Publish { body } | What::Reply { body } => body.len(),
            What::Finish { reply, .. } => reply.as_ref().map_or(0, |(_, body)| body.len()),
            What::Settle { args, .. } => args.iter().map(Bytes::len).sum(),
            What::Ask { .. } => 0,
        }
    }

    /// Whether it may be sent twice: a lease that has ended is not ended again, and a caller takes only the
    /// first of two final replies.
    pub(super) fn may_be_repeated(&self) -> bool {
        match self.what {
            What::Ask { may_be_repeated, .. } => may_be_repeated,
            _ => self.is_of_a_lease() && !self.only_once,
        }
    }

    /// Whether a worker has it done for what it has under a lease.
    pub(super) fn is_of_a_lease(&self) -> bool {
        matches!(self.what, What::Finish { .. } | What::Settle { .. } | What::Reply { .. })
    }

    /// Whether it came too late.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// What is done in the place of the end of a lease that came too late. The server does it by itself when nobody
    /// has spoken of the entry for a lease's time; but of an entry of several, others may speak.
    pub(super) fn lapse(&self) -> Option<Self> {
        let (id, part) = match &self.what {
            What::Finish { id, part, .. } => (id, *part),
            What::Settle { ends: Some((id, part)), .. } => (id, *part),
            _ => return None,
        };
        Some(Self::new(Arc::clone(&self.place), What::lapse(id, part), Then::Nobody))
    }

    /// Whether it need not wait for a connection any more: it came too late, or nobody wants to hear of it. The
    /// end of a lease is wanted in any case.
    pub(super) fn need_not_wait(&self, now: Instant) -> bool {
        self.is_over(now) || (self.then.is_abandoned() && !self.is_of_a_lease())
    }

    /// The call that it carries.
    pub(super) fn call(&self) -> Option<Guid> {
        match &self.then {
            Then::Call(_, call) => Some(*call),
            _ => None,
        }
    }

    /// Whether it may share an entry with others: a call that is due now.
    pub(super) fn may_share(&self) -> bool {
        matches!((&self.what, &self.then), (What::Put { delay: 0, .. }, Then::Call(..)))
    }

    /// It was done.
    pub(super) fn done(self) {
        self.end(Ok(()));
    }

    /// It was done, with this answer.
    pub(super) fn answered(self, value: Value) {
        match self.then {
            // Whoever asked may have lost interest.
            Then::Answer(sender) => drop(sender.send(Ok(value))),
            _ => self.done(),
        }
    }

    /// It was not done, or nobody knows.
    pub(super) fn fail(self, error: BrokerError) {
        self.end(Err(error));
    }

    fn end(self, result: Result<(), BrokerError>) {
        match (self.then, result) {
            (Then::Ack(sender), result) => sender.send(result),
            (Then::Call(sink, call), Err(error)) => sink.refused(call, error),
            (Then::Answer(sender), result) => drop(sender.send(result.map(|()| Value::Nil))),
            (Then::Nobody | Then::Call(..), _) => {}
        }
    }
}
