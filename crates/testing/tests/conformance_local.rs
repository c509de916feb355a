//! The local adapter and its registry keep every rule, over a real socket.

use std::sync::Arc;

use skyloom_broker::{
    door::{Address, Door, DoorError, DoorOptions},
    engine::Limits,
};
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::registry::Registry;
use skyloom_service_registry::local::LocalRegistry;
use skyloom_testing::conformance::{BrokerFixture, Fixture, Peer, RegistryFixture};
use tokio::task::JoinHandle;

const QUEUE_LIMIT: usize = 100;

/// A broker behind its native door on a socket of its own.
struct Local {
    address: Address,
    door: JoinHandle<Result<(), DoorError>>,
    limits: Limits,
    _directory: tempfile::TempDir,
}

async fn open(address: &Address, limits: Limits) -> JoinHandle<Result<(), DoorError>> {
    let options = DoorOptions { limits, ..DoorOptions::default() };
    let door = Door::bind(address.clone(), options).await.expect("the door opens");
    tokio::spawn(door.run(std::future::pending()))
}

impl Local {
    async fn with(limits: Limits) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let address = Address::Unix(directory.path().join("broker.sock"));
        let door = open(&address, limits).await;
        Self { address, door, limits, _directory: directory }
    }

    fn peer(&self) -> (Peer, LocalBroker) {
        let (broker, driver) = LocalBroker::connect(self.address.clone(), LocalOptions::default());
        let driver = tokio::spawn(driver);
        // The socket is the driver's; it is closed without a word.
        let crash = move || driver.abort();
        (Peer::new(Arc::new(broker.clone()), crash), broker)
    }
}

impl Fixture for Local {
    async fn start() -> Self {
        Self::with(Limits { channel_messages: QUEUE_LIMIT, ..Limits::default() }).await
    }

    async fn connect(&self) -> Peer {
        self.peer().0
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Local {
    async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
        Ok(Self::with(Limits { channel_bytes: bytes, ..Limits::default() }).await)
    }

    async fn durable() -> Self {
        Self::with(Limits::default()).await
    }

    async fn crash(&mut self) {
        self.door.abort();
        let ended = (&mut self.door).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it was serving until now");
        self.door = open(&self.address, self.limits).await;
    }
}

impl RegistryFixture for Local {
    async fn registry(&self) -> (Peer, Arc<dyn Registry>) {
        let (peer, broker) = self.peer();
        (peer, Arc::new(LocalRegistry::new(broker)))
    }
}

mod broker {
    use super::Local;
    skyloom_testing::broker_conformance!(Local);
}

mod registry {
    use super::Local;
    skyloom_testing::registry_conformance!(Local);
}
