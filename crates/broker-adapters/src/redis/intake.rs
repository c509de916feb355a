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
use crate::remote::members;

/// What came in one entry with others waits for credit for so long, and for no more than this share of its lease.
/// Then it goes back untouched, for others may have credit.
const PATIENCE: Duration = Duration::from_millis(100);
const SHARE: u32 = 4;

/// A message that was read and is not delivered yet.
struct Arrived {
    held: Held,
    body: Bytes,
    /// The time of its caller has run out then.
    expires: Option<u64>,
    /// How often it was attempted before.
    attempts: u32,
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
    /// How many messages the fullest of the last entries had.
    fullest: u32,
}

impl Intake {
    pub(super) fn new(shared: Arc<Shared>, seat: Arc<Seat>, sender: UnboundedSender<Delivery>) -> Self {
        Self { shared, seat, sender, waiting: VecDeque::new(), fullest: 1 }
    }

    /// How many entries to read: as many as there is credit for.
    pub(super) fn wants(&self) -> u32 {
        match self.seat.credit() {
            0 => 0,
            _ if !self.waiting.is_empty() => 0,
            credit => (credit / self.fullest).max(1),
        }
    }

    /// Takes in what was read, and delivers what there is credit for.
    pub(super) fn take(&mut self, entries: impl IntoIterator<Item = Entry>, clock: &Clock) {
        let before = std::mem::replace(&mut self.fullest, 0);
        for entry in entries {
            self.unpack(entry);
        }
        if self.fullest == 0 {
            self.fullest = before;
        }
        self.advance(Some(clock));
    }

    fn unpack(&mut self, entry: Entry) {
        let Entry { id, body, expires, count, attempts, reason, was_claimed } = entry;
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
        };
        let of = count.unwrap_or(1);
        let bodies = members(body).filter(|bodies| u32::try_from(bodies.len()) == Ok(of));
        let Some(bodies) = bodies else {
            let reason = "it is no message of Skyloom: not as many envelopes as it says".to_owned();
            return self.shared.table.pass_over(held(Part::ONLY, size), Ending::Bury { attempts: 0, reason });
        };
        self.fullest = self.fullest.max(of);
        for (number, body) in (1..).zip(bodies) {
            let expires = expires.get(number as usize - 1).copied().flatten();
            let held = held(Part { number, of }, body.len());
            let reason = reason.clone();
            self.waiting.push_back(Arrived { held, body, expires, attempts, reason, was_claimed, came: now });
        }
    }

    /// Delivers what there is credit for, and gives back what has waited for too long. Without a clock, nothing
    /// is delivered any more.
    pub(super) fn advance(&mut self, clock: Option<&Clock>) {
        let clock = clock.filter(|_| !self.seat.is_stopping() && !self.sender.is_closed());
        while clock.is_none() || self.seat.credit() > 0 {
            let Some(arrived) = self.waiting.pop_front() else { return };
            self.deliver(arrived, clock);
        }
        let (now, patience) = (Instant::now(), self.patience());
        while let Some(arrived) = self.waiting.pop_front_if(|arrived| arrived.came + patience <= now) {
            self.deliver(arrived, None);
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
    fn deliver(&self, arrived: Arrived, clock: Option<&Clock>) {
        let Arrived { mut held, body, expires, attempts, reason, was_claimed, .. } = arrived;
        let options = &self.seat.options;
        let now = Instant::now();
        let left = clock.zip(expires).map(|(clock, at)| clock.until(at, now));
        let envelope = match Envelope::decode(body) {
            Ok(envelope) => envelope,
            Err(error) => {
                let reason = format!("it is no message of Skyloom: {error}");
                return self.shared.table.pass_over(held, Ending::Bury { attempts: 0, reason });
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
            .with_deadline(left.map(|left| now + left));
        // If the consumer is just being dropped, so is this, which gives it back.
        drop(self.sender.send(delivery));
    }
}
