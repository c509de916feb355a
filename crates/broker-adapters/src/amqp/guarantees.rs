//! What this broker guarantees.

use skyloom_core::broker::{Capabilities, Persistence};

use super::options::{AmqpOptions, QueueKind};
use crate::remote::{BrokerUrl, UrlError};

/// What the broker of a URL guarantees, without asking the server.
///
/// # Errors
/// If the URL's options make no sense.
pub fn guarantees(url: &BrokerUrl) -> Result<Capabilities, UrlError> {
    Ok(capabilities(&AmqpOptions::of(url)?))
}

/// The same, by the options.
pub(super) fn capabilities(options: &AmqpOptions) -> Capabilities {
    Capabilities {
        broker: if options.queues == QueueKind::Classic { "amqp" } else { "amqp (quorum)" },
        // Classic queues know up to 255, and quorum queues none; the port has more.
        priority: false,
        delay: true,
        redelivery: true,
        prompt_redelivery: true,
        uncounted_release: true,
        // What comes back is kept apart from new work, and is taken beside it.
        regains_place: false,
        dead_letters: true,
        pause: false,
        atomic_reply: false,
        // A quorum queue notices late that it is full, and takes more only when it is well below.
        bounded: options.queues == QueueKind::Classic,
        confirms: true,
        persistence: Persistence::Disk,
        max_message: options.limits.message_bytes,
    }
}
