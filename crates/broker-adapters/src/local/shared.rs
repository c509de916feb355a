//! [`Shared`]: the state, and who is woken by its changes.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use skyloom_broker::{
    door::Address,
    engine::Ticket,
    wire::{ClientFrame, WriteBody},
};
use skyloom_core::{BusyPoll, Guid, broker::Ack};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    LocalOptions,
    changes::Changes,
    state::{Confirm, State, Wake},
    tickets::{Verdict, Waiting},
};

/// How far the driver has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Away,
    Live,
    /// The driver is to end.
    Closing,
    /// The driver has ended.
    Ended,
}

/// What the handles and the driver of one connection share.
pub(super) struct Shared {
    pub(super) address: Address,
    /// Names this process to the broker over all its connections.
    pub(super) session: Guid,
    pub(super) name: String,
    state: Mutex<State>,
    /// There is something to write.
    pub(super) write: Notify,
    /// The next alarm may be earlier than it was.
    pub(super) alarm: Notify,
    pub(super) stage: watch::Sender<Stage>,
    pub(super) busy_poll: BusyPoll,
}

impl Shared {
    pub(super) fn new(address: Address, options: LocalOptions) -> Self {
        Self {
            address,
            session: Guid::private(),
            name: options.name.clone(),
            state: Mutex::new(State::new(options, Instant::now())),
            write: Notify::new(),
            alarm: Notify::new(),
            stage: watch::Sender::new(Stage::Away),
            busy_poll: BusyPoll::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock; a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self, wake: Wake) {
        match wake {
            Wake::Nobody => {}
            Wake::Writer => self.write.notify_one(),
            Wake::Clock => self.alarm.notify_one(),
        }
    }

    /// Changes the state, and tells whom it concerns when it is unlocked again.
    pub(super) fn change(&self, change: impl FnOnce(&mut State) -> Changes) {
        let changes = change(&mut self.lock());
        changes.tell();
    }

    /// Sends or holds a frame.
    pub(super) fn submit<B: WriteBody>(&self, confirm: Confirm, frame: impl FnOnce(Ticket) -> ClientFrame<B>) -> Ack {
        let (ack, wake) = self.lock().submit(confirm, frame);
        self.wake(wake);
        ack
    }

    /// Wakes whom a request under a ticket concerns, or says why it was not accepted.
    pub(super) fn submitted(&self, sent: Result<Wake, Option<Verdict>>) {
        match sent {
            Ok(wake) => self.wake(wake),
            Err(verdict) => verdict.into_iter().for_each(Verdict::tell),
        }
    }

    /// Notes something that stands, and announces it. The answer comes through what was noted.
    pub(super) fn announce(&self, note: impl FnOnce(&mut State) -> Waiting) {
        let mut state = self.lock();
        let what = note(&mut state);
        let (wake, verdict, fallen) = state.announce(what);
        drop(state);
        self.wake(wake);
        Changes { verdicts: verdict.into_iter().collect(), fallen: fallen.into_iter().collect(), lost: None }.tell();
    }

    /// Moves the driver on; what is closing stays so.
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.send_if_modified(|now| {
            let advance = *now != stage && (stage == Stage::Ended || !matches!(now, Stage::Closing | Stage::Ended));
            if advance {
                *now = stage;
            }
            advance
        });
    }

    /// Resolves when the driver is to end.
    pub(super) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stage = self.stage.subscribe();
        async move {
            // The sender lives in what the driver holds.
            drop(stage.wait_for(|stage| matches!(stage, Stage::Closing | Stage::Ended)).await);
        }
    }

    pub(super) fn close(&self) {
        self.change(State::close);
        self.enter(Stage::Closing);
        self.write.notify_one();
        self.alarm.notify_one();
    }
}
