//! The registry of the engine inside the process.

use skyloom_broker_adapters::memory::MemoryBroker;

use crate::linked::Linked;

/// The registry of a [`MemoryBroker`], on that broker's connection.
pub type MemoryRegistry = Linked<MemoryBroker>;
