//! A private reply channel.

use std::collections::VecDeque;

use skyloom_core::{Guid, broker::BrokerError};

use super::Time;
use crate::engine::{Conn, Output};

/// What an inbox hears.
#[derive(Clone, Debug)]
pub(crate) enum News<M> {
    /// A reply.
    Reply(M),
    /// A call will have no reply.
    Refused { call: Guid, error: BrokerError },
}

impl<M> News<M> {
    pub(crate) const fn is_reply(&self) -> bool {
        matches!(self, Self::Reply(_))
    }

    /// How many bytes of a reply it has.
    pub(crate) fn bytes(&self, weigh: fn(&M) -> usize) -> usize {
        match self {
            Self::Reply(body) => weigh(body),
            Self::Refused { .. } => 0,
        }
    }

    /// As it leaves the engine.
    pub(crate) fn output(self, conn: Conn, inbox: Guid) -> Output<M> {
        match self {
            Self::Reply(body) => Output::Reply { conn, inbox, body },
            Self::Refused { call, error } => Output::Refused { conn, inbox, call, error },
        }
    }
}

/// An inbox, and what has come for it while its client was away.
#[derive(Debug)]
pub(crate) struct InboxState<M> {
    pub(crate) session: Guid,
    pub(crate) conn: Option<Conn>,
    pub(crate) backlog: VecDeque<News<M>>,
    /// The bytes of the replies in it.
    pub(crate) bytes: usize,
    /// When it is given up; `NEVER` while its client is there.
    pub(crate) expires: Time,
}
