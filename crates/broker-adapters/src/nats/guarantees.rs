//! What this broker guarantees.

use skyloom_core::broker::{Capabilities, Persistence};

use super::options::NatsOptions;
use crate::remote::{BrokerUrl, UrlError};

/// What the headers of a message may need besides its envelope, in bytes.
const HEADERS: usize = 4 << 10;

/// What the broker of a URL guarantees, without asking the server.
///
/// # Errors
/// If the URL's options make no sense.
pub fn guarantees(url: &BrokerUrl) -> Result<Capabilities, UrlError> {
    Ok(capabilities(&NatsOptions::of(url)?, usize::MAX))
}

/// The same, with what the server says that it takes.
pub(super) fn capabilities(options: &NatsOptions, max_payload: usize) -> Capabilities {
    let jetstream = !options.core;
    Capabilities {
        broker: if options.core { "nats (core)" } else { "nats" },
        priority: false,
        delay: false,
        redelivery: jetstream,
        prompt_redelivery: false,
        uncounted_release: jetstream,
        regains_place: false,
        dead_letters: jetstream,
        pause: false,
        atomic_reply: false,
        bounded: jetstream,
        confirms: true,
        persistence: if jetstream && options.storage == "file" { Persistence::Disk } else { Persistence::Memory },
        max_message: options.limits.message_bytes.min(max_payload.saturating_sub(HEADERS)),
    }
}
