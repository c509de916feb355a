//! [`Handle`] and what hangs on it: consumers and inboxes.

use std::sync::Arc;

use bytes::Bytes;
use skyloom_broker::{engine::ConsumerId, wire::ClientFrame};
use skyloom_core::{
    Guid,
    broker::{Ack, ConsumerControl, InboxGuard, ReplySink},
    contract::Contract,
    registry::Instance,
};

use super::{
    shared::Shared,
    standing::{Registered, Sink},
    state::{Phase, Wake},
    tickets::Waiting,
};
use crate::registry::RegistryView;

/// What the handles, consumers, inboxes and deliveries of a connection hold. The driver ends when
/// the last of them is gone.
pub(super) struct Handle(pub(super) Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Handle {
    pub(super) fn open_inbox(&self, inbox: Guid, sink: Arc<dyn ReplySink>) -> Ack {
        let (opened, ack) = Ack::waiting();
        self.0.announce(|state| {
            state.standing.sinks.insert(inbox, Sink { sink, opened: Some(opened) });
            Waiting::Inbox(inbox)
        });
        ack
    }

    pub(super) fn register(&self, instance: Instance, contracts: Vec<Contract>) -> Ack {
        let (opened, ack) = Ack::waiting();
        self.0.announce(|state| {
            let id = instance.id;
            state.standing.instances.insert(id, Registered { instance, contracts, opened: Some(opened) });
            Waiting::Instance(id)
        });
        ack
    }

    pub(super) fn deregister(&self, instance: Guid) -> Ack {
        let mut state = self.0.lock();
        state.standing.instances.remove(&instance);
        if state.phase != Phase::Live {
            // The end of the connection has deregistered it.
            return Ack::ready(Ok(()));
        }
        let (sender, ack) = Ack::waiting();
        let frame = |ticket| ClientFrame::<Bytes>::Deregister { ticket, instance };
        let sent = state.submit_waiting(Waiting::Deregister(sender), frame);
        drop(state);
        self.0.submitted(sent);
        ack
    }

    pub(super) fn follow(&self) -> Arc<RegistryView> {
        let mut state = self.0.lock();
        if let Some(view) = &state.standing.view {
            return Arc::clone(view);
        }
        let view = Arc::<RegistryView>::default();
        if state.sparing.is_some() {
            view.spare();
        }
        state.standing.view = Some(Arc::clone(&view));
        if state.phase == Phase::Live {
            // If the buffer is full the next connection asks.
            let wake = state.append(&ClientFrame::<Bytes>::Watch).unwrap_or(Wake::Nobody);
            drop(state);
            self.0.wake(wake);
        }
        view
    }
}

/// Stops a consumer.
pub(super) struct Control {
    pub(super) handle: Arc<Handle>,
    pub(super) consumer: ConsumerId,
}

impl ConsumerControl for Control {
    fn stop(&self) -> Ack {
        let consumer = self.consumer;
        let mut state = self.handle.0.lock();
        if state.phase != Phase::Live || !state.standing.streams.contains_key(&consumer) {
            // The end of the connection has stopped it.
            let gone = state.standing.streams.remove(&consumer);
            drop((state, gone));
            return Ack::ready(Ok(()));
        }
        let (sender, ack) = Ack::waiting();
        let frame = |ticket| ClientFrame::<Bytes>::Stop { ticket, consumer };
        let sent = state.submit_waiting(Waiting::Stop(consumer, sender), frame);
        drop(state);
        self.handle.0.submitted(sent);
        ack
    }
}

/// Closes an inbox when dropped.
pub(super) struct Guard {
    pub(super) handle: Arc<Handle>,
    pub(super) inbox: Guid,
}

impl InboxGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let inbox = self.inbox;
        let mut state = self.handle.0.lock();
        let gone = state.standing.sinks.remove(&inbox);
        let wake = match state.phase {
            // If the buffer is full the inbox ends with the connection.
            Phase::Live => state.append(&ClientFrame::<Bytes>::CloseInbox { inbox }).unwrap_or(Wake::Nobody),
            _ => Wake::Nobody,
        };
        drop(state);
        self.handle.0.wake(wake);
        drop(gone);
    }
}
