//! What is handed out once the engine is unlocked.

use std::{collections::HashSet, sync::Arc, task::Waker};

use skyloom_broker::engine::RegistryChange;
use skyloom_core::{
    Envelope, Guid,
    broker::{BrokerError, ReplySink},
};

use crate::registry::RegistryView;

/// One thing to hand out.
pub(super) enum Dispatch {
    /// A reply for an inbox.
    Reply(Arc<dyn ReplySink>, Arc<Envelope>),
    /// A refusal for an inbox.
    Refused(Arc<dyn ReplySink>, Guid, BrokerError),
    /// The connection is closed; what an inbox still waits for does not come.
    Lost(Arc<dyn ReplySink>),
    /// News from the registry.
    Registry(Arc<RegistryView>, RegistryChange),
}

impl Dispatch {
    pub(super) fn run(self) {
        match self {
            Self::Reply(sink, reply) => sink.reply(reply),
            Self::Refused(sink, call, error) => sink.refused(call, error),
            Self::Lost(sink) => sink.lost(BrokerError::lost("it was closed"), &HashSet::new()),
            Self::Registry(view, change) => view.apply(change),
        }
    }
}

/// Tasks that are to look at their streams. Most steps wake one or none.
#[derive(Default)]
pub(super) struct Wakers {
    one: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakers {
    pub(super) fn add(&mut self, waker: Waker) {
        match &self.one {
            None => self.one = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.one.is_none()
    }

    pub(super) fn wake(self) {
        self.one.into_iter().chain(self.more).for_each(Waker::wake);
    }
}
