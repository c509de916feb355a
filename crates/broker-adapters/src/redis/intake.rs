//! What was read becomes a delivery, unless it is too late for that.

use std::sync::Arc;

use skyloom_core::{Envelope, broker::Delivery};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{
    clock::Clock,
    entry::Entry,
    seat::Seat,
    settle::{Ending, Held},
    shared::Shared,
};

/// Delivers a message under a lease; or ends it, if it is no envelope, its time has run out, its attempts are
/// used up, or nobody takes it any more.
pub(super) fn take_in(
    shared: &Arc<Shared>,
    seat: &Arc<Seat>,
    sender: &UnboundedSender<Delivery>,
    clock: &Clock,
    entry: Entry,
) {
    let now = Instant::now();
    let left = entry.expires.map(|at| clock.until(at, now));
    let attempt = entry.attempts.saturating_add(1);
    let mut held = Held {
        seat: Arc::clone(seat),
        id: entry.id,
        size: entry.body.len(),
        call: skyloom_core::Guid::default(),
        reply_to: None,
        attempt,
        ends: now + seat.options.lease,
        is_once: false,
    };
    let envelope = match Envelope::decode(entry.body) {
        Ok(envelope) => envelope,
        Err(error) => {
            let reason = format!("it is no message of Skyloom: {error}");
            return shared.table.pass_over(held, Ending::Bury { attempts: 0, reason });
        }
    };
    (held.call, held.reply_to) = (envelope.id, envelope.reply_to);
    let ending = if entry.was_claimed {
        Some(Ending::Lost(entry.reason))
    } else if entry.attempts >= seat.options.max_attempts.max(1) {
        Some(Ending::Bury { attempts: entry.attempts, reason: entry.reason })
    } else if left.is_some_and(|left| left.is_zero()) {
        Some(Ending::Expired)
    } else if seat.is_stopping() || sender.is_closed() {
        Some(Ending::Back { delay: 0, attempts: entry.attempts, reason: String::new() })
    } else {
        None
    };
    if let Some(ending) = ending {
        return shared.table.pass_over(held, ending);
    }
    let lease = shared.table.insert(held);
    let delivery = Delivery::new(Arc::new(envelope), lease, seat.options.lease, shared.table.clone())
        .with_attempt(attempt)
        .with_deadline(left.map(|left| now + left));
    // If the consumer is just being dropped, so is this, which gives it back.
    drop(sender.send(delivery));
}
