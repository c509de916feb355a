//! How many calls of this client are under way, about.

use skyloom_core::Guid;

/// Counts calls and their replies by the time in a call's GUID, so that calls that are never answered are
/// forgotten by themselves.
#[derive(Debug, Default)]
pub(super) struct Load {
    epochs: [(u64, usize); EPOCHS],
}

/// About four seconds, as a power of two of milliseconds.
const EPOCH_SHIFT: u32 = 12;
const EPOCHS: usize = 4;

fn epoch(call: Guid) -> u64 {
    let time = call.as_bytes().iter().take(6).fold(0u64, |time, byte| time << 8 | u64::from(*byte));
    time >> EPOCH_SHIFT
}

impl Load {
    fn slot(&mut self, epoch: u64) -> Option<&mut (u64, usize)> {
        self.epochs.get_mut(usize::try_from(epoch).unwrap_or_default() % EPOCHS)
    }

    /// A call was sent.
    pub(super) fn sent(&mut self, call: Guid) {
        let epoch = epoch(call);
        if let Some(slot) = self.slot(epoch) {
            if slot.0 != epoch {
                *slot = (epoch, 0);
            }
            slot.1 += 1;
        }
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, call: Guid) {
        let epoch = epoch(call);
        if let Some(slot) = self.slot(epoch).filter(|slot| slot.0 == epoch) {
            slot.1 = slot.1.saturating_sub(1);
        }
    }

    /// How many calls of the last seconds have not ended when this one is sent.
    pub(super) fn under_way(&self, newest: Guid) -> usize {
        let now = epoch(newest);
        let recent = self.epochs.iter().filter(|(epoch, _)| epoch + (EPOCHS as u64) > now);
        recent.map(|(_, calls)| calls).sum()
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
}
