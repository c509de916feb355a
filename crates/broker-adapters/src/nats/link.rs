//! [`Link`]: the connection that all handles, consumers and inboxes share.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use async_nats::{Client, HeaderMap, Subject, client::PublishErrorKind};
use bytes::Bytes;
use futures_util::FutureExt as _;
use skyloom_core::{
    BusyPoll, Envelope, Guid,
    broker::{BrokerError, Capabilities},
};
use tokio::{
    sync::{Notify, watch},
    task::unconstrained,
    time::Instant,
};

use super::{gather::Gathered, names::Names, options::NatsOptions, outbox::Outbox};
use crate::remote::Load;

/// How it stands with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Live,
    /// There is none; the client tries to make one.
    Away,
    /// There will be none any more.
    Closed,
}

/// What may wait in the client to be written, in messages. A server that does not read for so long is
/// overloaded, and more is refused.
pub(super) const UNWRITTEN: usize = 65_536;

/// The subjects for which the server said lately that we lack the permission.
const FORBIDDEN: usize = 32;

/// So many breaks of the connection are remembered.
const BREAKS: usize = 32;

/// A connection that is dead is noticed within this: the server answers a question each second, and may miss some.
const UNNOTICED: Duration = Duration::from_secs(5);

/// Held while a consumer is being stopped: what it tells the server needs the connection.
pub(super) struct Leaving(Arc<Link>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leaving.send_modify(|number| *number -= 1);
    }
}

pub(super) struct Link {
    pub(super) client: Client,
    /// Tells the client that nobody needs its connection any more.
    pub(super) is_over: Arc<AtomicBool>,
    pub(super) names: Names,
    pub(super) options: NatsOptions,
    pub(super) capabilities: Capabilities,
    /// Begins the subjects on which only this connection listens.
    pub(super) room: String,
    /// Where it is connected to, without a password.
    pub(super) address: String,
    pub(super) phase: watch::Sender<Phase>,
    /// How many consumers are being stopped.
    leaving: watch::Sender<usize>,
    /// What the server did not let us do, newest last.
    pub(super) forbidden: watch::Sender<Vec<String>>,
    outbox: Mutex<Outbox>,
    gathered: Mutex<Gathered>,
    load: Mutex<Load>,
    /// When the connection has broken, newest last.
    breaks: Mutex<VecDeque<Instant>>,
    /// Something was gathered.
    pub(super) gathering: Notify,
    /// Something is held, or there is something to confirm.
    pub(super) chores: Notify,
    pub(super) busy_poll: BusyPoll,
}

impl Link {
    pub(super) fn new(
        client: Client,
        is_over: Arc<AtomicBool>,
        options: NatsOptions,
        capabilities: Capabilities,
        address: String,
    ) -> Arc<Self> {
        Arc::new(Self {
            client,
            is_over,
            names: Names::new(&options.limits.prefix),
            options,
            capabilities,
            room: format!("_INBOX.{}", Guid::private()),
            address,
            phase: watch::Sender::new(Phase::Live),
            leaving: watch::Sender::new(0),
            forbidden: watch::Sender::new(Vec::new()),
            outbox: Mutex::default(),
            gathered: Mutex::default(),
            load: Mutex::default(),
            breaks: Mutex::default(),
            gathering: Notify::new(),
            chores: Notify::new(),
            busy_poll: BusyPoll::default(),
        })
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls that are under way.
    pub(super) fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// A consumer is being stopped, until this is dropped.
    pub(super) fn leave(self: &Arc<Self>) -> Leaving {
        self.leaving.send_modify(|number| *number += 1);
        Leaving(Arc::clone(self))
    }

    /// Resolves when no consumer is being stopped any more.
    pub(super) async fn all_left(&self) {
        drop(self.leaving.subscribe().wait_for(|number| *number == 0).await);
    }

    /// Resolves when the connection is closed for good.
    pub(super) async fn closed(&self) {
        // The sender lives as long as we do.
        drop(self.phase.subscribe().wait_for(|phase| *phase == Phase::Closed).await);
    }

    /// Resolves when there is no connection any more.
    pub(super) async fn gone(&self) {
        drop(self.phase.subscribe().wait_for(|phase| *phase != Phase::Live).await);
    }

    /// Resolves when there is a connection, or there will be none any more.
    pub(super) async fn awake(&self) -> Phase {
        let mut phases = self.phase.subscribe();
        let phase = phases.wait_for(|phase| *phase != Phase::Away).await;
        phase.map_or(Phase::Closed, |phase| *phase)
    }

    /// Hands a message to the client, which writes all that it has at once.
    pub(super) fn publish(
        &self,
        subject: impl Into<Subject>,
        reply: Option<Subject>,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<(), BrokerError> {
        let (client, subject, size) = (&self.client, subject.into(), payload.len());
        // A message that finds no room at once is refused: nobody waits here.
        let sent = match (reply, headers) {
            (None, None) => unconstrained(client.publish(subject, payload)).now_or_never(),
            (Some(reply), None) => unconstrained(client.publish_with_reply(subject, reply, payload)).now_or_never(),
            (None, Some(headers)) => {
                unconstrained(client.publish_with_headers(subject, headers, payload)).now_or_never()
            }
            (Some(reply), Some(headers)) => {
                unconstrained(client.publish_with_reply_and_headers(subject, reply, headers, payload)).now_or_never()
            }
        };
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                Err(BrokerError::TooLarge { size, limit: self.capabilities.max_message })
            }
            Some(Err(error)) => Err(BrokerError::unavailable(format!("the client has ended: {error}"))),
            None => {
                let what = "the connection to the broker, which does not read,".to_owned();
                Err(BrokerError::Full { what, limit: format!("{UNWRITTEN} messages") })
            }
        }
    }

    /// Sends a reply to an inbox. If it is gone nobody hears it, and nothing is left behind.
    pub(super) fn reply(&self, inbox: Guid, reply: &Envelope) -> Result<(), BrokerError> {
        self.fits(reply)?;
        self.publish(self.names.replies(inbox), None, None, reply.encode())
    }

    /// That an envelope is not too large, before it is sent.
    pub(super) fn fits(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        let (size, limit) = (envelope.encoded_len(), self.capabilities.max_message);
        if size > limit { Err(BrokerError::TooLarge { size, limit }) } else { Ok(()) }
    }

    /// Notes that the connection has broken.
    pub(super) fn note_break(&self) {
        let mut breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        if breaks.len() >= BREAKS {
            breaks.pop_front();
        }
        breaks.push_back(Instant::now());
    }

    /// Whether what was sent then, and is not confirmed, may have gone with the connection.
    pub(super) fn may_have_lost(&self, sent: Instant) -> bool {
        let breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        breaks.iter().any(|broke| sent <= *broke && broke.saturating_duration_since(sent) < UNNOTICED)
    }

    /// Notes that the server did not let us do something with a subject.
    pub(super) fn note_forbidden(&self, subject: &str) {
        self.forbidden.send_modify(|subjects| {
            if subjects.len() >= FORBIDDEN {
                subjects.remove(0);
            }
            subjects.push(subject.to_owned());
        });
    }

    /// That an operation was not sent because there is no connection.
    pub(super) fn away(&self) -> BrokerError {
        let reason = match self.phase() {
            Phase::Closed => "the connection was closed".to_owned(),
            _ => format!("there is no connection to {}", self.address),
        };
        BrokerError::unavailable(reason)
    }

    /// Why something was not sent in time.
    pub(super) fn waited_in_vain(&self) -> BrokerError {
        match self.phase() {
            Phase::Live => BrokerError::unavailable("JetStream was not ready to take it before its deadline"),
            _ => self.away(),
        }
    }

    /// That a permission is missing.
    pub(super) fn no_permission(subject: &str) -> BrokerError {
        BrokerError::refused(format!(
            "the user has no permission for {subject}; grant it in the server's configuration"
        ))
    }
}

/// How long an answer of the server may take before the question is asked anew.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(5);
