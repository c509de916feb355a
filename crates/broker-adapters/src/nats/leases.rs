//! Leases: how they are settled, extended, claimed, and what becomes of those that end.

use std::{sync::Arc, time::Duration};

use async_nats::Subject;
use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid,
    broker::{Ack, BrokerError, Lease, Leases, Settlement},
};
use tokio::time::Instant;

use super::{
    again::Past,
    api::again_after,
    link::Phase,
    work::{Held, State, Worker},
};
use crate::remote::Notice;

/// The bounds of how often leases are looked after.
const ROUNDS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What core NATS cannot do with work that failed.
const CORE: &str = "nats in mode=core";

/// Why a stream ends.
const GAP: &str = "the connection broke in the middle of the stream, and a part of it may be lost";

impl Worker {
    /// Takes out a lease that is still ours; the worker may have others.
    fn take(&self, lease: Lease) -> Result<(Held, bool), BrokerError> {
        let mut state = self.state();
        let safe = state.safe;
        match state.held.get(&lease.number) {
            Some(held) if held.is_ours(safe, Instant::now()) => {}
            _ => return Err(BrokerError::Stale),
        }
        let held = state.held.remove(&lease.number).ok_or(BrokerError::Stale)?;
        Ok((held, !state.held.is_empty()))
    }

    /// Whether a part of its stream may be missing.
    fn has_gap(&self, held: &Held) -> bool {
        held.streamed.is_some_and(|sent| self.handle.0.may_have_lost(sent))
    }

    /// There is credit again.
    fn freed(self: &Arc<Self>) {
        let mut state = self.state();
        if self.is_core {
            self.advance(&mut state);
        } else {
            self.replenish(&mut state);
        }
        if state.held.is_empty() {
            self.leasing.notify_one();
        }
    }

    fn settle_now(self: &Arc<Self>, lease: Lease, settlement: Settlement) -> Ack {
        let (held, has_others) = match self.take(lease) {
            Ok(taken) => taken,
            Err(error) => return Ack::ready(Err(error)),
        };
        let settlement = match settlement {
            Settlement::Reply(_) if self.has_gap(&held) => {
                Settlement::Reply(Notice::write(held.envelope.id, &BrokerError::lost(GAP)).into())
            }
            other => other,
        };
        let result = match (settlement, &held.ack) {
            (Settlement::Reply(reply), ack) => match self.answer(&held, &reply, ack.as_ref(), has_others) {
                // It would be as large the next time.
                Err(error @ BrokerError::TooLarge { .. }) => {
                    return self.bury_later(held, format!("its reply: {error}"));
                }
                result => result,
            },
            (Settlement::Done, Some(ack)) => self.acknowledge(ack),
            (Settlement::Done, None) => Ok(()),
            // It goes with its consumer.
            (Settlement::Release, Some(ack)) if self.options.ephemeral => self.return_after(ack, Duration::ZERO),
            (Settlement::Release, Some(_)) => {
                let past = Past { attempts: held.attempt.saturating_sub(1), losses: held.losses, delay: None };
                return self.again_later(held, past);
            }
            (Settlement::Retry { reason, .. } | Settlement::Bury { reason }, None) => self.give_up(&held, reason),
            (Settlement::Release, None) => self.give_up(&held, "the worker gave it back".to_owned()),
            (Settlement::Retry { delay, .. }, Some(ack)) if held.attempt < self.options.max_attempts => {
                if held.losses > 0 && !self.options.ephemeral {
                    // Its worker has survived it: what is lost from now on is the first of a new row.
                    let delay = Some(delay).filter(|delay| !delay.is_zero());
                    let past = Past { attempts: held.attempt, losses: 0, delay };
                    return self.again_later(held, past);
                }
                self.return_after(ack, delay)
            }
            (Settlement::Retry { reason, .. } | Settlement::Bury { reason }, Some(_)) => {
                return self.bury_later(held, reason);
            }
        };
        self.freed();
        Ack::ready(result)
    }

    fn again_later(self: &Arc<Self>, held: Held, past: Past) -> Ack {
        let ack = self.again(held, past);
        self.freed();
        ack
    }

    fn bury_later(self: &Arc<Self>, held: Held, reason: String) -> Ack {
        if held.ack.is_none() {
            let result = self.give_up(&held, reason);
            self.freed();
            return Ack::ready(result);
        }
        let (sender, ack) = Ack::waiting();
        let this = Arc::clone(self);
        tokio::spawn(async move { sender.send(this.bury(held, reason).await) });
        ack
    }

    /// Sends a reply, and after it the acknowledgement. While others are being worked on, theirs may join it.
    fn answer(
        &self,
        held: &Held,
        reply: &Envelope,
        ack: Option<&Subject>,
        has_others: bool,
    ) -> Result<(), BrokerError> {
        match held.envelope.reply_to {
            Some(inbox) if has_others => return self.handle.0.reply_soon(inbox, reply, ack.cloned()),
            Some(inbox) => self.handle.0.reply(inbox, reply)?,
            None => {}
        }
        ack.map_or(Ok(()), |ack| self.acknowledge(ack))
    }

    pub(super) fn return_after(&self, ack: &Subject, delay: Duration) -> Result<(), BrokerError> {
        self.handle.0.publish(ack.clone(), None, None, again_after(delay).into())
    }

    /// Work that was claimed, or that core NATS cannot hand out again: its caller hears that nobody knows.
    fn give_up(&self, held: &Held, reason: String) -> Result<(), BrokerError> {
        let Some(inbox) = held.envelope.reply_to else {
            let is_claimed = !self.is_core;
            let refused = Err(BrokerError::Unsupported { broker: CORE, operation: "keep work that failed" });
            return if is_claimed { Ok(()) } else { refused };
        };
        self.handle.0.reply(inbox, &Notice::write(held.envelope.id, &BrokerError::lost(reason)))
    }

    /// Makes a dead letter: first it is kept, then it is taken from its queue, and its caller is told.
    pub(super) async fn bury(self: Arc<Self>, held: Held, reason: String) -> Result<(), BrokerError> {
        let link = &self.handle.0;
        let written =
            link.write_dead(&self.channel, held.envelope.encode(), held.attempt, &reason, held.ack.as_ref()).await;
        let result = match (written, &held.ack) {
            (Err(error), Some(ack)) => {
                tracing::warn!(channel = %self.channel, %error, "a dead letter could not be kept; it is tried again");
                drop(self.return_after(ack, UNKEPT));
                Err(error)
            }
            (Err(error), None) => Err(error),
            (Ok(()), ack) => {
                if let Some(inbox) = held.envelope.reply_to {
                    let dead = BrokerError::Dead { attempts: held.attempt, reason };
                    drop(link.reply(inbox, &Notice::write(held.envelope.id, &dead)));
                }
                ack.as_ref().map_or(Ok(()), |ack| self.acknowledge(ack))
            }
        };
        self.freed();
        result
    }

    /// Keeps what is no envelope as a dead letter.
    pub(super) async fn bury_garbage(self: Arc<Self>, body: Bytes, ack: Subject, reason: String) {
        match self.handle.0.write_dead(&self.channel, body, 1, &reason, Some(&ack)).await {
            Ok(()) => drop(self.acknowledge(&ack)),
            Err(error) => {
                tracing::warn!(channel = %self.channel, %error, "what is no envelope could not be kept");
                drop(self.return_after(&ack, UNKEPT));
            }
        }
        self.freed();
    }

    /// Looks after leases until there are none and there will be none.
    pub(super) async fn tend(self: Arc<Self>) {
        let shortest = self.state().safe.min(self.options.lease);
        let round = (shortest / 4).clamp(ROUNDS.0, ROUNDS.1);
        let link = Arc::clone(&self.handle.0);
        while !self.is_over() {
            let idle = self.state().held.is_empty();
            let wait = async {
                if idle {
                    self.leasing.notified().await;
                } else {
                    tokio::time::sleep(round).await;
                }
            };
            tokio::select! {
                () = wait => {}
                () = link.closed() => return,
            }
            self.look(Instant::now());
        }
    }

    fn look(self: &Arc<Self>, now: Instant) {
        let mut ended = Vec::new();
        {
            let mut state = self.state();
            let safe = state.safe;
            ended.extend(state.held.extract_if(|_, held| !held.is_ours(safe, now)).map(|(_, held)| held));
            self.renew(&mut state, now);
        }
        if ended.is_empty() {
            return;
        }
        for held in ended {
            self.end(&held, now);
        }
        self.freed();
    }

    /// Tells the server of what we still have, where it would take it from us before our lease ends.
    fn renew(&self, state: &mut State, now: Instant) {
        let safe = state.safe;
        if self.handle.0.phase() != Phase::Live {
            return;
        }
        for held in state.held.values_mut() {
            let is_due = now.saturating_duration_since(held.renewed) >= safe / 3;
            let outlasts = held.ends > held.renewed + safe;
            if let (true, true, Some(ack)) = (is_due, outlasts, &held.ack)
                && self.handle.0.publish(ack.clone(), None, None, "+WPI".into()).is_ok()
            {
                held.renewed = now;
            }
        }
    }

    /// A lease has ended unsettled.
    fn end(&self, held: &Held, now: Instant) {
        let safe = self.state().safe;
        match &held.ack {
            // The server still leaves it with us for a good while: it had better not.
            Some(ack) if now.saturating_duration_since(held.renewed) < safe / 2 => {
                drop(self.return_after(ack, Duration::ZERO));
            }
            Some(_) => {}
            None => drop(self.give_up(held, "its worker did not finish in time".to_owned())),
        }
    }

    /// Settles as soon as there is a connection, if the lease lasts so long.
    fn settle_later(self: &Arc<Self>, lease: Lease, settlement: Settlement) -> Ack {
        let (sender, ack) = Ack::waiting();
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let result = match this.handle.0.awake().await {
                Phase::Live => this.settle_now(lease, settlement).await,
                _ => Err(this.handle.0.away()),
            };
            sender.send(result);
        });
        ack
    }

    /// Ends well if somebody listens on a stream's inbox, or did a moment ago.
    async fn if_read(self: Arc<Self>, lease: Lease, inbox: Guid) -> Result<(), BrokerError> {
        // Before the next extension, which asks anew.
        let patience = self.options.lease / 4;
        let is_read = self.handle.0.is_heard(inbox, patience).await;
        let mut state = self.state();
        let held = state.held.get_mut(&lease.number).ok_or(BrokerError::Stale)?;
        held.absence.note(is_read, Instant::now())
    }

    async fn claim(self: Arc<Self>, lease: Lease, subject: Subject) -> Result<(), BrokerError> {
        let acknowledged = self.handle.0.ask(subject.to_string(), "+ACK".to_owned()).await;
        match acknowledged {
            Ok(_) => Ok(()),
            Err(error) => {
                // It may be gone from the queue; nobody executes it.
                let held = self.state().held.remove(&lease.number);
                if let Some(held) = held {
                    drop(self.give_up(&held, "the broker did not confirm that it was claimed".to_owned()));
                }
                self.freed();
                Err(error.into())
            }
        }
    }
}

/// How long a message waits that could not become a dead letter.
const UNKEPT: Duration = Duration::from_secs(1);

impl Leases for Worker {
    fn settle(&self, lease: Lease, settlement: Settlement) -> Ack {
        let Some(this) = self.shared() else { return Ack::ready(Err(BrokerError::Stale)) };
        match self.handle.0.phase() {
            Phase::Live => this.settle_now(lease, settlement),
            Phase::Away => this.settle_later(lease, settlement),
            Phase::Closed => Ack::ready(Err(self.handle.0.away())),
        }
    }

    fn partial(&self, lease: Lease, reply: Arc<Envelope>) -> Ack {
        if self.handle.0.phase() == Phase::Closed {
            return Ack::ready(Err(self.handle.0.away()));
        }
        let inbox = {
            let (now, mut state) = (Instant::now(), self.state());
            let safe = state.safe;
            match state.held.get_mut(&lease.number) {
                Some(held) if self.has_gap(held) => return Ack::ready(Err(BrokerError::lost(GAP))),
                Some(held) if held.is_ours(safe, now) => {
                    held.streamed = Some(now);
                    held.envelope.reply_to
                }
                _ => return Ack::ready(Err(BrokerError::Stale)),
            }
        };
        Ack::ready(inbox.map_or(Ok(()), |inbox| self.handle.0.reply(inbox, &reply)))
    }

    fn extend(&self, lease: Lease) -> Ack {
        if self.handle.0.phase() == Phase::Closed {
            return Ack::ready(Err(self.handle.0.away()));
        }
        let now = Instant::now();
        let mut state = self.state();
        let safe = state.safe;
        let Some(held) = state.held.get_mut(&lease.number).filter(|held| held.is_ours(safe, now)) else {
            return Ack::ready(Err(BrokerError::Stale));
        };
        if let Some(ack) = &held.ack {
            if let Err(error) = self.handle.0.publish(ack.clone(), None, None, "+WPI".into()) {
                return Ack::ready(Err(error));
            }
            held.renewed = now;
        }
        held.ends = now + self.options.lease;
        let inbox = held.streamed.and(held.envelope.reply_to);
        match inbox.zip(self.shared()) {
            Some((inbox, this)) => Ack::running(this.if_read(lease, inbox)),
            None => Ack::ready(Ok(())),
        }
    }

    fn once(&self, lease: Lease) -> Ack {
        let subject = {
            let mut state = self.state();
            let safe = state.safe;
            match state.held.get_mut(&lease.number) {
                Some(held) if held.is_ours(safe, Instant::now()) => held.ack.take(),
                _ => return Ack::ready(Err(BrokerError::Stale)),
            }
        };
        match (subject, self.shared()) {
            (Some(subject), Some(this)) => Ack::running(this.claim(lease, subject)),
            _ => Ack::ready(Ok(())),
        }
    }
}
