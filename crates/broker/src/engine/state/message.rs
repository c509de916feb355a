//! A message that the engine holds.

use skyloom_core::Guid;

use super::Time;
use crate::engine::limits::SUSPECT_LOSSES;

/// A message, in whatever state it is: which index of its channel names its slot says that. A
/// million of them may wait, so this is as small as it can be.
#[derive(Debug)]
pub(crate) struct Stored<M> {
    pub(crate) body: M,
    /// Its place among those of the same priority; it keeps it for life.
    pub(crate) seq: u64,
    pub(crate) enqueued: Time,
    pub(crate) expires: Time,
    pub(crate) id: Guid,
    /// The inbox that awaits a reply; none once it has heard a final one.
    pub(crate) reply_to: Option<Guid>,
    pub(crate) priority: u32,
    pub(crate) channel: u32,
    pub(crate) size: u32,
    /// Attempts that have failed.
    pub(crate) attempts: u32,
    /// The last of them, as many in a row as nothing was heard of their workers.
    pub(crate) losses: u8,
}

impl<M> Stored<M> {
    /// Whether it may be what its workers have died of.
    pub(crate) const fn is_suspect(&self) -> bool {
        self.losses >= SUSPECT_LOSSES
    }
}

#[cfg(test)]
mod tests {
    use super::Stored;

    #[test]
    fn a_waiting_message_stays_small() {
        assert!(size_of::<Option<Stored<bytes::Bytes>>>() <= 112);
    }
}
