//! One message and what became of it.

use std::{sync::Arc, time::Duration};

use skyloom_core::{Envelope, Kind, QueueName, Status};

/// A message that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Where to; none for an event, whose method is its topic.
    pub(crate) queue: Option<QueueName>,
    pub(crate) envelope: Arc<Envelope>,
    /// The seat of the instance that has sent it.
    pub(crate) from: usize,
    /// When it was sent first, since the cluster's start.
    pub(crate) at: Duration,
    /// Why the broker did not take it.
    pub(crate) refused: Option<String>,
    pub(crate) attempts: Vec<Attempt>,
}

/// A delivery of a message to a worker.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The channel that it came from: an event is delivered to each group.
    pub(crate) channel: String,
    /// Which attempt of this channel, 1 for the first.
    pub(crate) number: u32,
    /// The seat of the instance that has it.
    pub(crate) seat: usize,
    /// How many partial replies it has sent.
    pub(crate) streamed: usize,
    pub(crate) end: Option<End>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// With a reply, which may carry a status.
    Replied(Arc<Envelope>),
    /// There was nobody to answer.
    Done,
    /// It failed and is tried again, if it has attempts left.
    Retried(String),
    /// Given back untouched.
    Released,
    /// It failed and is not tried again.
    Buried(String),
    /// Nothing that the worker does counts any more.
    Lost(String),
}

impl Record {
    /// The last attempt that has ended.
    pub(crate) fn last_end(&self) -> Option<(&Attempt, &End)> {
        self.attempts.iter().rev().find_map(|attempt| Some((attempt, attempt.end.as_ref()?)))
    }

    /// Whether whoever has sent it has heard, or would have, that it came to nothing.
    pub(crate) fn has_failed(&self) -> bool {
        let is_unanswered = || self.envelope.kind == Kind::Call && !matches!(self.reply(), Some(Ok(_)));
        self.refused.is_some() || is_unanswered()
    }

    /// The final reply, or the status in its place.
    pub(crate) fn reply(&self) -> Option<Result<&Arc<Envelope>, &Status>> {
        match self.last_end()?.1 {
            End::Replied(reply) => Some(reply.status.as_ref().map_or(Ok(reply), Err)),
            _ => None,
        }
    }
}
