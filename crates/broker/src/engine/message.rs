//! A message on its way into the engine.

use std::time::Duration;

use skyloom_core::Guid;

/// A message as a door hands it in. `M` is the door's own form of an envelope: an `Arc<Envelope>`
/// in memory, the encoded bytes on a socket. The engine never looks inside.
#[derive(Clone, Debug)]
pub struct Message<M> {
    /// The call's GUID.
    pub id: Guid,
    /// The inbox that awaits the reply.
    pub reply_to: Option<Guid>,
    /// Lower is sooner.
    pub priority: u32,
    /// How long to hold it back.
    pub delay: Duration,
    /// How long it may wait for a worker, from now; none: for ever.
    pub time_to_live: Option<Duration>,
    /// Its size in bytes, for the bounds.
    pub size: usize,
    /// The envelope.
    pub body: M,
}
