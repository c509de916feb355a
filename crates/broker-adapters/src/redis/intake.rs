//! What was read becomes deliveries, unless it is too late for that.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use skyloom_core::{Envelope, broker::Delivery};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{
    clock::Clock,
    entry::Entry,
    op::Part,
    seat::Seat,
    settle::{Ending, Held},
    shared::Shared,
};
use crate::remote::{callers, members};

/// What came in one entry with others waits for credit for so long, and for no more than this share of its lease.
/// Then it goes back untouched, for others may have credit.
const PATIENCE: Duration = Duration::from_millis(100);
const SHARE: u32 = 4;

/// How much less full the next entries are taken to be after a read of less full ones: by a quarter.
const FALL: u32 = 4;

/// A message that was read and is not delivered yet.
struct Arrived {
    held: Held,
    body: Bytes,
    /// The time of its caller has run out then.
    expires: Option<u64>,
    /// How often it was attempted before.
    attempts: u32,
    /// How many of the last of these in a row were lost with their workers.
    losses: u32,
    reason: String,
    was_claimed: bool,
    came: Instant,
}

/// What a consumer has read and has no credit for: never more than what came in one entry.
pub(super) struct Intake {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    sender: UnboundedSender<Delivery>,
    waiting: VecDeque<Arrived>,
    /// How many messages an entry may have, by the last that were read. It falls slowly: of a queue that is full of
    /// shared entries, one read too many takes messages from the other workers.
    fullest: u32,
}

impl Intake {
    pub(super) fn new(shared: Arc<Shared>, seat: Arc<Seat>, sender: UnboundedSender<Delivery>) -> Self {
        // Before anything was read, entries are taken to be as full as senders like this process make them.
        let fullest = u32::try_from(shared.nodes.options.bundle).unwrap_or(u32::MAX).max(1);
        Self { shared, seat, sender, waiting: VecDeque::new(), fullest }
    }

    /// How many entries to read: as many as there is credit for, if they are as full as those before.
    pub(super) fn wants(&self) -> u32 {
        match self.seat.credit() {
            0 => 0,
            _ if !self.waiting.is_empty() => 0,
            credit => (credit / self.fullest).max(1),
        }
    }

    /// Takes in what was read, and delivers what there is credit for.
    pub(super) fn take(&mut self, entries: impl IntoIterator<Item = Entry>, clock: &Clock) {
        let before = std::mem::take(&mut self.fullest);
        for entry in entries {
            self.unpack(entry);
        }
        self.fullest = match self.fullest {
            0 => before,
            read => read.max(before - before.div_ceil(FALL)),
        };
        self.advance(Some(clock));
    }

    fn unpack(&mut self, entry: Entry) {
        let Entry { id, body, expires, attempts, losses, reason, was_claimed } = entry;
        let now = Instant::now();
        let size = body.len();
        let held = |part: Part, size| Held {
            seat: Arc::clone(&self.seat),
            id: id.clone(),
            part,
            size,
            call: skyloom_core::Guid::default(),
            reply_to: None,
            attempt: attempts.saturating_add(1),
            ends: now + self.seat.options.lease,
            is_once: false,
            streams: false,
        };
        let bodies = members(body.clone()).and_then(|bodies| Some((u32::try_from(bodies.len()).ok()?, bodies)));
        let Some((of, bodies)) = bodies else {
            let reason = "it is no message of Skyloom: it begins as a bundle of envelopes and is none".to_owned();
            return self.shared.table.bury_unread(&held(Part::ONLY, size), &callers(&body), reason);
        };
        self.fullest = self.fullest.max(of);
        for (number, body) in (1..).zip(bodies) {
            let expires = expires.get(number as usize - 1).copied().flatten();
            let held = held(Part { number, of }, body.len());
            let reason = reason.clone();
            self.waiting.push_back(Arrived { held, body, expires, attempts, losses, reason, was_claimed, came: now });
        }
    }

    /// Gives back what has waited for too long, whatever credit there is now: after a pause of this process or of
    /// the connection, its lease may be another's. Then delivers what there is credit for. Without a clock, nothing
    /// is delivered any more.
    pub(super) fn advance(&mut self, clock: Option<&Clock>) {
        let (now, patience) = (Instant::now(), self.patience());
        while let Some(arrived) = self.waiting.pop_front_if(|arrived| arrived.came + patience <= now) {
            self.deliver(arrived, now, None);
        }
        let clock = clock.filter(|_| !self.seat.is_stopping() && !self.sender.is_closed());
        while clock.is_none() || self.seat.credit() > 0 {
            let Some(arrived) = self.waiting.pop_front() else { return };
            self.deliver(arrived, now, clock);
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE.min(self.seat.options.lease / SHARE)
    }

    /// When something will have waited for too long.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|arrived| arrived.came + self.patience())
    }

    /// Delivers a message under a lease; or ends it, if it is no envelope, its time has run out, its attempts are
    /// used up, or there is no clock because nobody takes it any more.
    fn deliver(&self, arrived: Arrived, now: Instant, clock: Option<&Clock>) {
        let Arrived { mut held, body, expires, attempts, losses, reason, was_claimed, .. } = arrived;
        let options = &self.seat.options;
        let left = clock.zip(expires).map(|(clock, at)| clock.until(at, now));
        let envelope = match Envelope::decode(body.clone()) {
            Ok(envelope) => envelope,
            Err(error) => {
                let reason = format!("it is no message of Skyloom: {error}");
                return self.shared.table.bury_unread(&held, &callers(&body), reason);
            }
        };
        (held.call, held.reply_to) = (envelope.id, envelope.reply_to);
        let ending = if was_claimed {
            Some(Ending::Lost(reason))
        } else if attempts >= options.max_attempts.max(1) {
            Some(Ending::Bury { attempts, reason })
        } else if left.is_some_and(|left| left.is_zero()) {
            Some(Ending::Expired)
        } else if clock.is_none() {
            Some(Ending::Back { delay: 0, attempts, reason })
        } else {
            None
        };
        if let Some(ending) = ending {
            return self.shared.table.pass_over(held, ending);
        }
        let attempt = held.attempt;
        let lease = self.shared.table.insert(held);
        let delivery = Delivery::new(Arc::new(envelope), lease, options.lease, self.shared.table.clone())
            .with_attempt(attempt)
            .with_losses(losses)
            .with_deadline(left.map(|left| now + left));
        // If the consumer is just being dropped, so is this, which gives it back.
        drop(self.sender.send(delivery));
    }
}
