//! How many calls of this client may share a message.

use skyloom_core::Guid;

/// Counts calls and their ends. A call counts by the time in its GUID, so that calls that are never answered are
/// forgotten by themselves.
#[derive(Debug, Default)]
pub(crate) struct Load {
    epochs: [(u64, usize); EPOCHS],
    /// Calls that have ended since the client began.
    ended: u64,
    /// When the pace was last taken, and how many had ended by then.
    taken: (u64, u64),
    /// How many calls end within [`BLINK`].
    pace: u64,
    /// How many calls in a row were older than they could be.
    older: u32,
}

/// About four seconds, as a power of two of milliseconds.
const EPOCH_SHIFT: u32 = 12;
const EPOCHS: usize = 4;

/// Into how many messages the calls that are under way are divided at least where it is not known how many workers there
/// are, so that several get a share of them.
pub(crate) const PARTS: usize = 4;

/// A message holds at most as many calls as end within so many milliseconds: where calls take long, each is a message of
/// its own and goes to whoever is free, and where they do not, waiting for others costs nobody much.
const BLINK: u64 = 5;

/// A call may be so many milliseconds older than one before it, for it may have waited somewhere.
const SLACK: u64 = 1 << EPOCH_SHIFT;

/// So many calls in a row that are older are due to the clock. One alone may be sent for the second time, long after the
/// first.
const OLDER: u32 = 4;

/// How often the pace is taken, in milliseconds.
const PACE_EVERY: u64 = 50;

fn milliseconds(call: Guid) -> u64 {
    call.as_bytes().iter().take(6).fold(0, |time, byte| time << 8 | u64::from(*byte))
}

fn epoch(call: Guid) -> u64 {
    milliseconds(call) >> EPOCH_SHIFT
}

impl Load {
    fn slot(&mut self, epoch: u64) -> Option<&mut (u64, usize)> {
        self.epochs.get_mut(usize::try_from(epoch).unwrap_or_default() % EPOCHS)
    }

    /// A call was sent.
    pub(crate) fn sent(&mut self, call: Guid) {
        let epoch = epoch(call);
        if let Some(slot) = self.slot(epoch) {
            if slot.0 < epoch {
                *slot = (epoch, 0);
            }
            if slot.0 == epoch {
                slot.1 += 1;
            }
        }
    }

    /// A call has ended.
    pub(crate) fn ended(&mut self, call: Guid) {
        self.ended += 1;
        let epoch = epoch(call);
        if let Some(slot) = self.slot(epoch).filter(|slot| slot.0 == epoch) {
            slot.1 = slot.1.saturating_sub(1);
        }
    }

    /// How many calls of the last seconds have not ended when this one is sent.
    fn under_way(&self, newest: Guid) -> usize {
        let now = epoch(newest);
        let recent = self.epochs.iter().filter(|(epoch, _)| epoch + (EPOCHS as u64) > now);
        recent.map(|(_, calls)| calls).sum()
    }

    /// How many calls may share a message, of which this is the last, if those that are under way are to make at least
    /// so many messages.
    pub(crate) fn share(&mut self, newest: Guid, parts: usize) -> usize {
        let now = milliseconds(newest);
        self.older = if now + SLACK < self.taken.0 { self.older + 1 } else { 0 };
        if self.older >= OLDER {
            // The clock was set back. What is known of the time that it has left says nothing of the time to come.
            self.epochs = Default::default();
            (self.taken, self.pace, self.older) = ((now, self.ended), 0, 0);
        }
        let passed = now.saturating_sub(self.taken.0);
        if passed >= PACE_EVERY {
            self.pace = (self.ended - self.taken.1).saturating_mul(BLINK) / passed;
            self.taken = (now, self.ended);
        }
        let pace = usize::try_from(self.pace).unwrap_or(usize::MAX);
        (self.under_way(newest) / parts.max(1)).min(pace).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(milliseconds: u64) -> Guid {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        Guid::from_bytes(bytes)
    }

    #[test]
    fn what_is_not_answered_is_forgotten() {
        let mut load = Load::default();
        let early = 1_700_000_000_000;
        for _ in 0..5 {
            load.sent(call(early));
        }
        load.ended(call(early));
        assert_eq!(load.under_way(call(early)), 4);
        load.sent(call(early + 5_000));
        assert_eq!(load.under_way(call(early + 5_000)), 5);
        assert_eq!(load.under_way(call(early + 40_000)), 0);
        load.ended(call(early - 100_000));
        assert_eq!(load.under_way(call(early + 5_000)), 5, "what is not known is not counted");
    }

    #[test]
    fn quick_calls_share_messages_and_slow_ones_do_not() {
        let now = 1_700_000_000_000;
        let mut load = Load::default();
        (0..64).for_each(|_| load.sent(call(now)));
        assert_eq!(load.share(call(now), PARTS), 1, "nothing is known of their pace");
        for step in 1..=100 {
            load.ended(call(now));
            load.sent(call(now + step));
        }
        assert_eq!(load.share(call(now + 100), PARTS), 5, "one ends in a millisecond");
        for step in 1..=4_000 {
            load.ended(call(now + 100));
            load.sent(call(now + 100 + step / 40));
        }
        assert!(load.share(call(now + 200), PARTS) >= 16, "a quarter of those under way");
        load.ended(call(now + 1_200));
        assert_eq!(load.share(call(now + 1_200), PARTS), 1, "they have become slow");
    }

    #[test]
    fn a_call_that_is_sent_again_later_is_no_clock_that_was_set_back() {
        let now = 1_700_000_000_000;
        let mut load = Load::default();
        for step in 0..4_000 {
            load.sent(call(now + step / 40));
            if step >= 64 {
                load.ended(call(now + (step - 64) / 40));
            }
            load.share(call(now + step / 40), PARTS);
        }
        let share = load.share(call(now + 100), PARTS);
        assert!(share >= 16);
        load.sent(call(now - 16_000));
        load.share(call(now - 16_000), PARTS);
        assert_eq!(load.share(call(now + 100), PARTS), share);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        let now = 1_700_000_000_000;
        let mut load = Load::default();
        let mut make = |from: u64| {
            for step in 0..4_000 {
                load.sent(call(from + step / 40));
                if step >= 64 {
                    load.ended(call(from + (step - 64) / 40));
                }
                load.share(call(from + step / 40), PARTS);
            }
            load.share(call(from + 100), PARTS)
        };
        assert!(make(now) >= 16);
        let hour = 3_600_000;
        assert!(make(now - hour) >= 15, "the pace is taken again");
        for late in 1..=3 {
            assert_eq!(load.share(call(now - hour + 10_000 * late), PARTS), 1, "and they have become slow");
        }
        assert_eq!(load.under_way(call(now - hour + 40_000)), 0, "what was sent before is forgotten");
    }
}
