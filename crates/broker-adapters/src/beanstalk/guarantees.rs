//! What this broker guarantees.

use skyloom_core::broker::{Capabilities, Persistence};

use super::{job, options::Options, pipe::Facts};
use crate::remote::{BrokerUrl, UrlError};

/// What the broker of a URL guarantees, without asking the server.
///
/// # Errors
/// If the URL's options make no sense.
pub fn guarantees(url: &BrokerUrl) -> Result<Capabilities, UrlError> {
    Ok(capabilities(&Options::of(url)?, &Facts { id: String::new(), max_job: 65_535, persistent: true }))
}

/// The same, with what the server says of itself.
pub(super) fn capabilities(options: &Options, facts: &Facts) -> Capabilities {
    Capabilities {
        broker: "beanstalkd",
        priority: true,
        delay: true,
        redelivery: true,
        prompt_redelivery: true,
        uncounted_release: true,
        regains_place: true,
        dead_letters: true,
        pause: true,
        atomic_reply: false,
        bounded: false,
        confirms: true,
        persistence: if facts.persistent { Persistence::Disk } else { Persistence::Memory },
        max_message: options.limits.message_bytes.min(facts.max_job.saturating_sub(job::OVERHEAD)),
    }
}
