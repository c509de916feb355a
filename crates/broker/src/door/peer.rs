//! What the door keeps for one connected client.

use std::task::Waker;

use bytes::BytesMut;

use super::{encoded::Encoded, voice::Voice};
use crate::{
    engine::{Input, Output},
    wire::ServerFrame,
};

/// What a connection's task is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Read and write.
    Go,
    /// Take what the client has sent up to now, and nothing that it sends later: it had the time for its goodbye.
    HearOut,
    /// Write out what is waiting, then end.
    Finish,
    /// End at once: more is waiting for this client than may be.
    CutOff,
}

/// The outgoing side of one connection, shared between whoever has something to tell the client
/// and the task that writes it.
#[derive(Debug)]
pub(super) struct Peer {
    waiting: BytesMut,
    /// How much of that is not deliveries, which the client's credit bounds.
    unbounded: usize,
    order: Order,
    waker: Option<Waker>,
    /// None: it speaks the native protocol.
    pub(super) voice: Option<Box<dyn Voice>>,
    /// The client has promised to send no more.
    pub(super) bye: bool,
}

impl Peer {
    pub(super) fn new(voice: Option<Box<dyn Voice>>) -> Self {
        Self { waiting: BytesMut::new(), unbounded: 0, order: Order::Go, waker: None, voice, bye: false }
    }

    /// Tells a client of another protocol, whose connection reads no further while much is waiting.
    pub(super) fn hear(&mut self, output: Output<Encoded>) -> Option<Input<Encoded>> {
        let before = self.waiting.len();
        let echo = self.voice.as_mut()?.say(output, &mut self.waiting);
        if before == 0 && !self.waiting.is_empty() {
            self.wake();
        }
        echo
    }

    /// Adds bytes to what is waiting.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.wake();
    }

    /// Adds a frame to what is waiting; the first one wakes the task, which takes all that has
    /// gathered until it runs.
    pub(super) fn tell(&mut self, frame: &ServerFrame<Encoded>, limit: usize) {
        if self.order == Order::CutOff {
            return;
        }
        let before = self.waiting.len();
        if let Err(error) = frame.encode(&mut self.waiting) {
            tracing::error!(%error, "a frame could not be written");
        }
        if !matches!(frame, ServerFrame::Deliver { .. }) {
            self.unbounded += self.waiting.len() - before;
        }
        if self.unbounded > limit {
            self.waiting = BytesMut::new();
            self.order(Order::CutOff);
        } else if before == 0 {
            self.wake();
        }
    }

    /// Gives an order, which stands.
    pub(super) fn order(&mut self, order: Order) {
        if self.order != Order::CutOff {
            self.order = order;
        }
        self.wake();
    }

    /// Has its task take what the client has sent, if he has still to say goodbye.
    pub(super) fn hear_out(&mut self) {
        if self.order == Order::Go && self.voice.is_none() && !self.bye {
            self.order(Order::HearOut);
        }
    }

    /// How much is waiting.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes what is waiting if the task has written all that it had, and remembers whom to wake.
    pub(super) fn take(&mut self, waker: &Waker, writing: &mut BytesMut) -> Order {
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
        if writing.is_empty() {
            std::mem::swap(&mut self.waiting, writing);
            self.unbounded = 0;
        }
        self.order
    }

    /// Takes what is waiting, whatever the task is still writing.
    pub(super) fn take_rest(&mut self, writing: &mut BytesMut) {
        writing.unsplit(std::mem::take(&mut self.waiting));
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}
