//! What this broker guarantees.

use skyloom_core::broker::{Capabilities, Persistence};

use super::options::Options;
use crate::remote::{BrokerUrl, UrlError};

/// What the broker of a URL guarantees, without asking the server.
///
/// # Errors
/// If the URL's options make no sense.
pub fn guarantees(url: &BrokerUrl) -> Result<Capabilities, UrlError> {
    Ok(capabilities(&Options::of(url)?))
}

/// The same, by the options.
pub(super) fn capabilities(options: &Options) -> Capabilities {
    Capabilities {
        broker: if options.cluster { "redis (cluster)" } else { "redis" },
        priority: false,
        delay: true,
        redelivery: true,
        prompt_redelivery: true,
        uncounted_release: true,
        regains_place: false,
        dead_letters: true,
        pause: false,
        atomic_reply: !options.cluster,
        bounded: true,
        confirms: true,
        persistence: Persistence::Disk,
        max_message: options.limits.message_bytes,
    }
}
