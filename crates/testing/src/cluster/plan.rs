//! What a test has in mind for the messages to come: whom to hold, what to disturb, what to refuse.

use std::{
    collections::HashMap,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skyloom_core::{
    Envelope, Guid, QueueName, Status,
    service::{Answer, Incoming},
};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use super::{fault::Fault, seat::Seat, target::Place};

/// An execution that waits for the test's word.
#[derive(Debug)]
pub(super) struct Arrival {
    /// Of the service that has it.
    pub(super) queue: QueueName,
    pub(super) incoming: Incoming,
    pub(super) seat: Arc<Seat>,
    /// Dropped, it lets the handler run.
    pub(super) word: oneshot::Sender<Word>,
}

/// What is to become of an execution that was held.
#[derive(Debug)]
pub(super) enum Word {
    /// This is the answer; the handler does not run.
    Answer(Answer),
    /// This is the answer; the handler does not run.
    Fail(Status),
}

/// What happens when a delivery is to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Redelivery,
    LostWorker,
}

/// A fault that waits for its execution.
#[derive(Clone, Debug)]
pub(super) struct Injected {
    pub(super) place: Place,
    pub(super) fault: Fault,
    /// Where the test has asked for it.
    pub(super) at: &'static Location<'static>,
}

/// What a test has in mind for the messages to come.
#[derive(Debug, Default)]
pub(super) struct Plan(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    faults: Vec<Injected>,
    holds: Vec<(Place, UnboundedSender<Arrival>)>,
    full: Vec<Place>,
    /// By seat, message and attempt.
    fates: HashMap<(usize, Guid, u32), Fate>,
}

impl Plan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next execution has this fault.
    pub(super) fn inject(&self, injected: Injected) {
        self.state().faults.push(injected);
    }

    /// The fault of this execution.
    pub(super) fn fault(&self, queue: &str, envelope: &Envelope) -> Option<Fault> {
        let mut state = self.state();
        let at = state.faults.iter().position(|injected| injected.place.matches(Some(queue), envelope))?;
        Some(state.faults.remove(at).fault)
    }

    /// The faults that no execution has met, which are forgotten with this.
    pub(super) fn take_unmet(&self) -> Vec<Injected> {
        std::mem::take(&mut self.state().faults)
    }

    /// From now on, every execution waits for the test's word.
    pub(super) fn hold(&self, place: Place) -> UnboundedReceiver<Arrival> {
        let (sender, receiver) = unbounded_channel();
        self.state().holds.push((place, sender));
        receiver
    }

    /// Who holds this execution.
    pub(super) fn holder(&self, queue: &str, envelope: &Envelope) -> Option<UnboundedSender<Arrival>> {
        let mut state = self.state();
        state.holds.retain(|(_, sender)| !sender.is_closed());
        state.holds.iter().find(|(place, _)| place.matches(Some(queue), envelope)).map(|(_, sender)| sender.clone())
    }

    /// Refuses what is sent to this place's queue or topic.
    pub(super) fn fill(&self, place: Place) {
        self.state().full.push(place);
    }

    /// Takes back one [`Plan::fill`].
    pub(super) fn empty(&self, place: &Place) {
        let mut state = self.state();
        if let Some(at) = state.full.iter().position(|full| full == place) {
            state.full.remove(at);
        }
    }

    /// Whether what is sent to a queue is refused.
    pub(super) fn is_full(&self, name: &str) -> bool {
        self.state().full.iter().any(|full| match full {
            Place::Method { queue, .. } => *queue == name,
            Place::Topic(topic) => topic.as_str() == name,
        })
    }

    /// What is to happen when this attempt is to be settled.
    pub(super) fn set_fate(&self, seat: usize, message: Guid, attempt: u32, fate: Fate) {
        self.state().fates.insert((seat, message, attempt), fate);
    }

    pub(super) fn take_fate(&self, seat: usize, message: Guid, attempt: u32) -> Option<Fate> {
        self.state().fates.remove(&(seat, message, attempt))
    }
}
