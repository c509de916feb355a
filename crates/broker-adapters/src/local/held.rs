//! What waits for a connection.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use skyloom_core::{
    Guid,
    broker::{AckSender, BrokerError, ReplySink},
};
use tokio::time::Instant;

use super::{
    LocalOptions,
    frames::{self, Class, OwnedFrame},
    tickets::{Verdict, Waiting},
};

/// How long an operator's question waits for a broker that is away.
const ADMIN_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether somebody has taken back what waits. Senders leave 50 ms of their time for the answer.
const GLANCE: Duration = Duration::from_millis(20);

/// What is to happen when a held frame is sent.
pub(super) enum Then {
    /// Nobody waits.
    Nothing,
    /// Being sent is enough.
    Accepted(AckSender),
    /// Nobody waits for that, but the inbox of this call must hear if it does not happen.
    Promised(Arc<dyn ReplySink>, Guid),
    /// The broker's answer is awaited.
    Ticketed(Waiting),
}

impl Then {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Nothing | Self::Promised(..) => false,
            Self::Accepted(sender) => sender.is_abandoned(),
            Self::Ticketed(waiting) => waiting.is_abandoned(),
        }
    }

    pub(super) fn fail(self, error: BrokerError) -> Option<Verdict> {
        match self {
            Self::Nothing => None,
            Self::Accepted(sender) => Some(Verdict::Ack(sender, Err(error))),
            Self::Promised(sink, call) => Some(Verdict::Refused(sink, call, error)),
            Self::Ticketed(waiting) => Verdict::failed(waiting, error),
        }
    }
}

/// A frame that waits for a connection.
pub(super) struct HeldFrame {
    frame: OwnedFrame,
    since: Instant,
    expires: Option<Instant>,
    then: Then,
}

impl HeldFrame {
    pub(super) fn new(frame: OwnedFrame, now: Instant, then: Then) -> Self {
        let patience = matches!(then, Then::Ticketed(Waiting::Admin(_))).then_some(ADMIN_PATIENCE);
        let expires = frames::time_to_live(&frame).or(patience).and_then(|left| now.checked_add(left));
        Self { frame, since: now, expires, then }
    }

    fn is_expired(&self, now: Instant) -> bool {
        self.then.is_abandoned() || self.expires.is_some_and(|at| at <= now)
    }

    /// When it is to be looked at again.
    fn next_look(&self, now: Instant) -> Option<Instant> {
        let may_be_withdrawn = matches!(self.then, Then::Ticketed(Waiting::Ack(_)));
        // At fixed times, however often it is asked.
        let lain = now.saturating_duration_since(self.since).subsec_nanos() % GLANCE.subsec_nanos();
        self.expires.or_else(|| may_be_withdrawn.then(|| now + GLANCE - Duration::from_nanos(lain.into())))
    }

    /// What is to be sent now.
    ///
    /// # Errors
    /// Who is to hear that it is not, if nobody is interested in it any more.
    pub(super) fn send(mut self, now: Instant) -> Result<(OwnedFrame, Then), Then> {
        if self.then.is_abandoned() {
            return Err(self.then);
        }
        frames::age(&mut self.frame, now - self.since);
        Ok((self.frame, self.then))
    }
}

/// What waits for a connection, in order.
#[derive(Default)]
pub(super) struct Held {
    frames: VecDeque<HeldFrame>,
    bytes: usize,
}

impl Held {
    /// Adds a frame behind the others.
    pub(super) fn push(&mut self, held: HeldFrame, options: &LocalOptions) -> Result<(), (BrokerError, Then)> {
        let size = frames::size(&held.frame);
        let is_full =
            |this: &Self| this.frames.len() >= options.held_messages || this.bytes + size > options.held_bytes;
        if is_full(self) {
            self.retain(|held| !held.then.is_abandoned());
        }
        if is_full(self) {
            let what = "what may wait for the broker, which is away,".to_owned();
            let limit = format!("{} operations or {} bytes", options.held_messages, options.held_bytes);
            return Err((BrokerError::Full { what, limit }, held.then));
        }
        self.bytes += size;
        self.frames.push_back(held);
        Ok(())
    }

    /// Puts frames before the others. They were accepted already, so that no limit applies.
    pub(super) fn push_front(&mut self, earlier: Vec<HeldFrame>) {
        for held in earlier.into_iter().rev() {
            self.bytes += frames::size(&held.frame);
            self.frames.push_front(held);
        }
    }

    fn retain(&mut self, keep: impl FnMut(&HeldFrame) -> bool) {
        self.frames.retain(keep);
        self.bytes = self.frames.iter().map(|held| frames::size(&held.frame)).sum();
    }

    fn remove(&mut self, gone: impl Fn(&HeldFrame) -> bool) -> impl Iterator<Item = Then> {
        let (removed, kept): (VecDeque<_>, VecDeque<_>) = self.frames.drain(..).partition(gone);
        self.frames = kept;
        self.bytes = self.frames.iter().map(|held| frames::size(&held.frame)).sum();
        removed.into_iter().map(|held| held.then)
    }

    /// Removes what concerns leases, when they are void.
    pub(super) fn remove_leased(&mut self) -> impl Iterator<Item = Then> {
        self.remove(|held| frames::class(&held.frame) == Class::Leased)
    }

    /// Removes what has waited for too long, or was taken back.
    pub(super) fn remove_expired(&mut self, now: Instant) -> impl Iterator<Item = Then> {
        self.remove(move |held| held.is_expired(now))
    }

    /// Takes everything.
    pub(super) fn drain(&mut self) -> VecDeque<HeldFrame> {
        self.bytes = 0;
        std::mem::take(&mut self.frames)
    }

    /// Removes everything.
    pub(super) fn remove_all(&mut self) -> impl Iterator<Item = Then> {
        self.drain().into_iter().map(|held| held.then)
    }

    /// When the first may have waited for too long.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let now = Instant::now();
        self.frames.iter().filter_map(|held| held.next_look(now)).min()
    }

    /// The calls that wait to be sent.
    pub(super) fn calls(&self) -> HashSet<Guid> {
        self.frames.iter().filter_map(|held| Some(frames::call(&held.frame)?.0)).collect()
    }
}
