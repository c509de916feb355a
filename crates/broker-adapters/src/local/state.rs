//! What handles and driver share, behind one lock: the outgoing buffer and who waits for what.

use bytes::BytesMut;
use skyloom_broker::{
    engine::{ConsumerId, Ticket},
    wire::{ClientFrame, WriteBody, frame_limit},
};
use skyloom_core::{
    Guid,
    broker::{Ack, BrokerError},
};
use tokio::time::Instant;

use super::{
    LocalOptions,
    frames::own,
    held::{Held, HeldFrame, Then},
    standing::{Fallen, Standing},
    tickets::{Tickets, Verdict, Waiting},
};

/// The most bytes that wait to be written to a live connection. A broker that does not read for so
/// long is overloaded, and more is refused.
pub(super) const MAX_OUTGOING: usize = 256 << 20;

/// Beyond this many bytes that wait to be written, a sender that could go on waits for the broker's
/// confirmation instead.
const HIGH_WATER: usize = 256 << 10;

/// The largest message until the broker has said otherwise.
const FIRST_MAX_MESSAGE: usize = 8 << 20;

/// How it stands with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none.
    Away {
        /// Since when.
        since: Instant,
        /// Whether the broker said that it would come back, so that leases go on.
        planned: bool,
        /// Whether the inboxes have been told that they are lost.
        told: bool,
    },
    /// There is one.
    Live,
    /// The broker is about to restart as planned: nothing more is sent, what comes is read.
    Leaving,
    /// There will be none any more.
    Closed,
}

/// Whether the broker's confirmation is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirm {
    /// It is.
    Awaited,
    /// On a live connection being sent is enough: a refusal would come by another way.
    Unneeded,
}

/// Whom a change concerns besides its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    Nobody,
    /// There is something to write.
    Writer,
    /// Something is held, which may have a deadline.
    Clock,
}

pub(super) struct State {
    pub(super) phase: Phase,
    /// Frames that are to be written to the connection. Empty unless live or leaving.
    pub(super) out: BytesMut,
    pub(super) held: Held,
    pub(super) tickets: Tickets,
    pub(super) standing: Standing,
    pub(super) options: LocalOptions,
    pub(super) max_message: usize,
    pub(super) inbox_grace: std::time::Duration,
    /// The broker has lost the registry. Until then not everybody is back, and who was known before counts as known.
    pub(super) sparing: Option<Instant>,
    /// The version of the protocol that is spoken with the broker.
    pub(super) version: Option<u16>,
    /// The state of the broker that was seen last.
    pub(super) epoch: Option<Guid>,
    /// Leases of an earlier life are void.
    pub(super) life: u64,
    /// Why there is no connection.
    pub(super) reason: String,
    consumers: u32,
}

impl State {
    pub(super) fn new(options: LocalOptions, now: Instant) -> Self {
        Self {
            phase: Phase::Away { since: now, planned: false, told: false },
            out: BytesMut::new(),
            held: Held::default(),
            tickets: Tickets::default(),
            standing: Standing::default(),
            options,
            max_message: FIRST_MAX_MESSAGE,
            inbox_grace: std::time::Duration::MAX,
            sparing: None,
            version: None,
            epoch: None,
            life: 0,
            reason: "it has not been reached yet".to_owned(),
            consumers: 0,
        }
    }

    pub(super) fn next_consumer(&mut self) -> ConsumerId {
        self.consumers = self.consumers.wrapping_add(1);
        ConsumerId(self.consumers)
    }

    /// That an operation was not sent, and why.
    pub(super) fn unavailable(&self) -> BrokerError {
        BrokerError::unavailable(self.reason.clone())
    }

    /// Whether a sender had better wait.
    pub(super) fn is_congested(&self) -> bool {
        self.out.len() > HIGH_WATER
    }

    /// Sends a frame now, or holds it until that is possible.
    pub(super) fn submit<B: WriteBody>(
        &mut self,
        confirm: Confirm,
        frame: impl FnOnce(Ticket) -> ClientFrame<B>,
    ) -> (Ack, Wake) {
        let live = self.phase == Phase::Live;
        if live && confirm == Confirm::Unneeded {
            return match self.append(&frame(Ticket::NONE)) {
                Ok(wake) => (Ack::ready(Ok(())), wake),
                Err(error) => (Ack::ready(Err(error)), Wake::Nobody),
            };
        }
        let (sender, ack) = Ack::waiting();
        let sent = if live {
            self.ask(Waiting::Ack(sender), frame)
        } else if confirm == Confirm::Unneeded {
            self.hold(&frame(Ticket::NONE), Then::Accepted(sender))
        } else {
            self.hold(&frame(Ticket::NONE), Then::Ticketed(Waiting::Ack(sender)))
        };
        match sent {
            Ok(wake) => (ack, wake),
            Err((error, _)) => (Ack::ready(Err(error)), Wake::Nobody),
        }
    }

    /// As [`State::submit`], for an answer of any kind.
    pub(super) fn submit_waiting<B: WriteBody>(
        &mut self,
        waiting: Waiting,
        frame: impl FnOnce(Ticket) -> ClientFrame<B>,
    ) -> Result<Wake, Option<Verdict>> {
        let sent = match self.phase {
            Phase::Live => self.ask(waiting, frame),
            _ => self.hold(&frame(Ticket::NONE), Then::Ticketed(waiting)),
        };
        sent.map_err(|(error, then)| then.fail(error))
    }

    /// Sends a frame on the live connection under a ticket.
    fn ask<B: WriteBody>(
        &mut self,
        waiting: Waiting,
        frame: impl FnOnce(Ticket) -> ClientFrame<B>,
    ) -> Result<Wake, (BrokerError, Then)> {
        let ticket = self.tickets.issue(waiting);
        self.append(&frame(ticket))
            .map_err(|error| (error, self.tickets.take(ticket).map_or(Then::Nothing, Then::Ticketed)))
    }

    fn hold<B: WriteBody>(&mut self, frame: &ClientFrame<B>, then: Then) -> Result<Wake, (BrokerError, Then)> {
        if self.phase == Phase::Closed {
            return Err((self.unavailable(), then));
        }
        match own(frame) {
            Ok(frame) => {
                self.held.push(HeldFrame::new(frame, Instant::now(), then), &self.options)?;
                Ok(Wake::Clock)
            }
            Err(error) => Err((BrokerError::refused(error.to_string()), then)),
        }
    }

    /// Appends a frame to what is written to the live connection.
    pub(super) fn append<B: WriteBody>(&mut self, frame: &ClientFrame<B>) -> Result<Wake, BrokerError> {
        let start = self.out.len();
        if start > MAX_OUTGOING {
            let what = "the connection to the broker, which does not read,".to_owned();
            return Err(BrokerError::Full { what, limit: format!("{MAX_OUTGOING} bytes") });
        }
        frame.encode(&mut self.out).map_err(|error| BrokerError::refused(error.to_string()))?;
        let (size, limit) = (self.out.len() - start - size_of::<u32>(), frame_limit(self.max_message));
        if size > limit {
            // The broker would end the connection over it.
            self.out.truncate(start);
            return Err(BrokerError::TooLarge { size, limit });
        }
        Ok(if start == 0 { Wake::Writer } else { Wake::Nobody })
    }

    /// Announces something that stands now, if there is a connection; and else on the next.
    pub(super) fn announce(&mut self, what: Waiting) -> (Wake, Option<Verdict>, Option<Fallen>) {
        if self.phase == Phase::Closed {
            let error = self.unavailable();
            let (verdict, fallen) = self.standing.answered(&what, Err(error));
            return (Wake::Nobody, verdict, fallen);
        }
        if self.phase != Phase::Live {
            return (Wake::Nobody, None, None);
        }
        let ticket = self.tickets.issue(what);
        let announcement = self.tickets.get(ticket).and_then(|what| self.standing.announcement(what, ticket));
        let Some(announcement) = announcement else { return (Wake::Nobody, None, None) };
        match self.append(&announcement) {
            Ok(wake) => (wake, None, None),
            Err(error) => {
                let taken = self.tickets.take(ticket);
                let (verdict, fallen) = taken.map_or((None, None), |what| self.standing.answered(&what, Err(error)));
                (Wake::Nobody, verdict, fallen)
            }
        }
    }
}
