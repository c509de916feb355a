//! The registry of the engine in another process of this host.

use skyloom_broker_adapters::local::LocalBroker;

use crate::linked::Linked;

/// The registry of a [`LocalBroker`], on that broker's connection. It registers and asks anew after
/// each reconnect; while the broker is away, what was known last stands.
pub type LocalRegistry = Linked<LocalBroker>;
