//! [`Connection`].

use std::{fmt, sync::Arc};

use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_core::{
    broker::Broker,
    client::{Client, ClientOptions},
    registry::Registry,
};
use skyloom_service_registry::memory::MemoryRegistry;

/// A broker and a registry: on one connection where the broker keeps the registry as well. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// The registry.
    pub registry: Arc<dyn Registry>,
    /// The embedded broker that keeps the registry, where the queues are on another.
    keeper: Option<Arc<dyn Broker>>,
    address: Arc<str>,
}

impl Connection {
    /// A broker and a registry of this process's own, in memory.
    #[must_use]
    pub fn memory() -> Self {
        let broker = MemoryBroker::default();
        let registry = Arc::new(MemoryRegistry::new(broker.clone()));
        Self::new(Arc::new(broker), registry, "memory:")
    }

    /// A broker and a registry that are there already, and what to call them.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>, registry: Arc<dyn Registry>, address: &str) -> Self {
        Self { broker, registry, keeper: None, address: address.into() }
    }

    /// The same, with the embedded broker that keeps the registry.
    pub(super) fn kept_by(self, keeper: Option<Arc<dyn Broker>>) -> Self {
        Self { keeper, ..self }
    }

    /// Writes out what is pending and closes.
    pub async fn close(&self) {
        self.broker.close().await;
        if let Some(keeper) = &self.keeper {
            keeper.close().await;
        }
    }

    /// A client with default options.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(Arc::clone(&self.broker))
    }

    /// A client with these options.
    #[must_use]
    pub fn client_with(&self, options: ClientOptions) -> Client {
        Client::with_options(Arc::clone(&self.broker), options)
    }

    /// Where the broker is, without a password.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.address).finish()
    }
}
