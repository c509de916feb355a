//! What a broker guarantees.

use serde::Serialize;

/// What survives a crash of the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Persistence {
    /// Nothing.
    Memory,
    /// What was accepted, if the server is configured to store it.
    Disk,
}

/// What a broker guarantees. The conformance suite checks each: that it holds where it is claimed,
/// and that the operation is refused where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// The broker's name, such as `memory`.
    pub broker: &'static str,
    /// Lower priorities are delivered first.
    pub priority: bool,
    /// A message can be held back.
    pub delay: bool,
    /// Unsettled work comes back when its lease ends or its worker is gone.
    pub redelivery: bool,
    /// A worker that dies loses its leases at once; otherwise when they end.
    pub prompt_redelivery: bool,
    /// Work that is given back untouched does not count as an attempt; otherwise it does.
    pub uncounted_release: bool,
    /// Work that comes back is delivered before what was enqueued after it; otherwise when its turn comes.
    pub regains_place: bool,
    /// The attempt is counted, and dead letters are kept with their reason.
    pub dead_letters: bool,
    /// A channel's deliveries can be held back.
    pub pause: bool,
    /// A reply and the end of its lease are one operation.
    pub atomic_reply: bool,
    /// A full queue is an error to the sender.
    pub bounded: bool,
    /// The sender learns that a message was accepted.
    pub confirms: bool,
    /// What survives a crash.
    pub persistence: Persistence,
    /// The largest envelope in bytes.
    pub max_message: usize,
}
