//! What the embedded broker guarantees, wherever its engine runs.

use skyloom_core::broker::{Capabilities, Persistence};

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
