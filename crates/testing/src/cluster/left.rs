//! Work that is left.

use std::fmt;

use skyloom_core::{Channel, broker::ChannelStats};

use super::served::Served;

/// What a channel holds that is not empty.
pub(super) struct Left {
    channel: Channel,
    ready: u64,
    delayed: u64,
    leased: u64,
    /// What to do about it, if nobody was ever there to take it.
    pub(super) missing: Option<String>,
}

impl Left {
    /// What a channel holds, if it is not empty.
    pub(super) fn of(stats: ChannelStats, served: &Served) -> Option<Self> {
        let ChannelStats { channel, ready, delayed, leased, .. } = stats;
        // The memory adapter knows it.
        let leased = leased.unwrap_or_default();
        let missing = channel.queue().and_then(|queue| served.missing(queue));
        (ready + delayed + leased > 0).then_some(Self { channel, ready, delayed, leased, missing })
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, ready, delayed, leased, missing } = self;
        write!(f, "{channel} has {ready} waiting, {delayed} held back, {leased} with workers")?;
        missing.as_ref().map_or(Ok(()), |missing| write!(f, "; {missing}"))
    }
}
