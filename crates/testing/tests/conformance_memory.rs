//! The memory adapter and its registry keep every rule.

use std::sync::Arc;

use skyloom_broker::engine::Limits;
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_core::{broker::Broker as _, registry::Registry};
use skyloom_service_registry::memory::MemoryRegistry;
use skyloom_testing::conformance::{BrokerFixture, Fixture, Peer, RegistryFixture};

struct Memory(MemoryBroker);

const QUEUE_LIMIT: usize = 100;

impl Memory {
    fn peer(&self) -> (Peer, MemoryBroker) {
        let broker = self.0.connect();
        let crashing = broker.clone();
        // Whatever else ends, the engine sees no more of it than this.
        let crash = move || drop(crashing.close());
        (Peer::new(Arc::new(broker.clone()), crash), broker)
    }
}

impl Fixture for Memory {
    async fn start() -> Self {
        Self(MemoryBroker::new(Limits { channel_messages: QUEUE_LIMIT, ..Limits::default() }))
    }

    async fn connect(&self) -> Peer {
        self.peer().0
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Memory {
    async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
        Ok(Self(MemoryBroker::new(Limits { channel_bytes: bytes, ..Limits::default() })))
    }

    async fn durable() -> Self {
        Self(MemoryBroker::new(Limits::default()))
    }

    async fn crash(&mut self) {
        // It is in the process that crashes.
        *self = Self::start().await;
    }
}

impl RegistryFixture for Memory {
    async fn registry(&self) -> (Peer, Arc<dyn Registry>) {
        let (peer, broker) = self.peer();
        (peer, Arc::new(MemoryRegistry::new(broker)))
    }
}

mod broker {
    use super::Memory;
    skyloom_testing::broker_conformance!(Memory);
}

mod registry {
    use super::Memory;
    skyloom_testing::registry_conformance!(Memory);
}
