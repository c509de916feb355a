//! [`Target`]: the queues and exchanges that there are, and their names.

use skyloom_core::{Channel, Guid, TopicName};

/// Somewhere that messages can be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// New work of a channel; bounded.
    Work(Channel),
    /// Work that comes back: retries, what was given back, and what was delayed. It is not bounded, for
    /// what is in it was accepted before.
    Again(Channel),
    /// A channel's dead letters.
    Dead(Channel),
    /// Work that is held back for this many milliseconds.
    Later(Channel, u64),
    /// A client's replies.
    Inbox(Guid),
    /// What tells a client whether the server of its inbox has ended meanwhile.
    Token(Guid),
    /// A topic, from which the server copies to the groups.
    Topic(TopicName),
    /// Which channels there are.
    Index,
}

impl Target {
    /// Its name at the server. Names of channels have neither `:` nor `/` in them.
    pub(super) fn name(&self, prefix: &str) -> String {
        match self {
            Self::Work(channel) => format!("{prefix}.{channel}"),
            Self::Again(channel) => format!("{prefix}.{channel}:again"),
            Self::Dead(channel) => format!("{prefix}.{channel}:dead"),
            Self::Later(channel, time) => format!("{prefix}.{channel}:later:{time}"),
            Self::Inbox(guid) => format!("{prefix}._inbox.{guid}"),
            Self::Token(guid) => format!("{prefix}._inbox.{guid}:token"),
            Self::Topic(topic) => format!("{prefix}.{topic}"),
            Self::Index => format!("{prefix}:channels"),
        }
    }
}

/// How a delay is made of waits in queues that hold everything for the same time, each four times as long
/// as the one before: with one time to a queue nothing stands behind what is to wait longer.
const SHORTEST: u64 = 4;
const QUEUES: u32 = 15;

/// The times, in milliseconds, of a channel's queues for what is held back.
pub(super) fn waits() -> impl DoubleEndedIterator<Item = u64> {
    (0..QUEUES).map(|n| SHORTEST << (2 * n))
}

/// The wait that comes first, and how much is left after it. A delay is rounded up by at most a sixteenth of
/// its longest wait, so that there are few waits.
pub(super) fn first_wait(delay: u64) -> (u64, u64) {
    let wait = waits().rev().find(|wait| *wait <= delay).unwrap_or(SHORTEST);
    let step = (wait / 16).max(SHORTEST);
    (wait, delay.saturating_sub(wait).div_ceil(step) * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_shorter_and_little_longer() {
        for delay in (1..5_000).chain([60_000, 3_600_001, 86_400_000]) {
            let (mut left, mut waited, mut hops) = (delay, 0, 0);
            while left > 0 {
                let (wait, rest) = first_wait(left);
                (left, waited, hops) = (rest, waited + wait, hops + 1);
            }
            assert!(waited >= delay && waited <= delay + delay / 8 + SHORTEST && hops < 14, "{delay} {waited} {hops}");
        }
    }
}
