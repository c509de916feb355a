//! What the embedded broker guarantees and how it measures, wherever its engine runs.

use skyloom_core::{
    Envelope,
    broker::{Capabilities, Persistence},
};

/// Near the limit an envelope is measured as it would be written, so that every adapter takes the same; further away
/// what it roughly occupies is near enough, and quicker to say.
const NEAR: usize = 4 << 10;

/// The size of an envelope where messages may have this many bytes.
pub(crate) fn size(envelope: &Envelope, limit: usize) -> usize {
    let roughly = envelope.size();
    if roughly.saturating_add(NEAR) > limit { envelope.encoded_len() } else { roughly }
}

/// One engine, one set of guarantees: only the name and the limit depend on how it is reached.
pub(crate) const fn capabilities(broker: &'static str, max_message: usize) -> Capabilities {
    Capabilities {
        broker,
        priority: true,
        delay: true,
        redelivery: true,
        prompt_redelivery: true,
        uncounted_release: true,
        regains_place: true,
        dead_letters: true,
        pause: true,
        atomic_reply: true,
        bounded: true,
        confirms: true,
        // A planned restart keeps all; a crash nothing.
        persistence: Persistence::Memory,
        max_message,
    }
}
