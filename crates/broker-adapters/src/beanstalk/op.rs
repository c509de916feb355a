//! What the handles ask of the connection that never waits.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError},
};
use tokio::sync::oneshot;

use super::{codec::Reply, job::Notes};

/// Something to send.
pub(super) enum Op {
    Put(Put),
    /// A command with one answer; `uses` is the tube that must be in use.
    Ask {
        uses: Option<String>,
        command: Bytes,
        answer: oneshot::Sender<Answer>,
    },
    /// Answered when everything before it is.
    Close(oneshot::Sender<()>),
}

impl Op {
    /// Whether its time is up, or nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Put(put) => put.is_pointless() || put.is_late(),
            Self::Ask { answer, .. } => answer.is_closed(),
            Self::Close(done) => done.is_closed(),
        }
    }
}

/// An answer, or why there is none.
pub(super) type Answer = Result<Reply, BrokerError>;

/// A job to be.
pub(super) struct Put {
    pub(super) tube: String,
    pub(super) priority: u32,
    pub(super) delay: u32,
    pub(super) body: Body,
    pub(super) done: Done,
    /// The tube is one whose depth is watched.
    pub(super) bounded: bool,
}

/// What a job consists of.
pub(super) enum Body {
    Envelope(Arc<Envelope>, Notes),
    Bytes(Bytes),
}

/// Who hears what has become of it.
pub(super) enum Done {
    Nobody,
    Ack(AckSender),
    /// The call's inbox, which is one of this handle's.
    Inbox {
        inbox: Guid,
        call: Guid,
    },
    /// Whoever wants to know the job's id.
    Id(oneshot::Sender<Result<u64, BrokerError>>),
}

impl Put {
    /// Whether it may share a job with others of its tube.
    pub(super) fn may_share(&self) -> bool {
        let usual = skyloom_core::broker::EnqueueOptions::DEFAULT_PRIORITY;
        self.delay == 0 && self.priority == usual && matches!(self.done, Done::Inbox { .. })
    }

    /// About how many bytes it holds.
    pub(super) fn weight(&self) -> usize {
        match &self.body {
            Body::Envelope(envelope, _) => envelope.payload.len(),
            Body::Bytes(bytes) => bytes.len(),
        }
    }

    /// What is left of its time, if that is limited.
    pub(super) fn left(&self) -> Option<Duration> {
        match &self.body {
            Body::Envelope(envelope, notes) => envelope.budget.map(|budget| budget.saturating_sub(notes.age())),
            Body::Bytes(_) => None,
        }
    }

    /// Whether its time is up.
    pub(super) fn is_late(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_pointless(&self) -> bool {
        matches!(&self.done, Done::Ack(ack) if ack.is_abandoned())
    }
}
