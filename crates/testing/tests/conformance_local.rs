//! The local adapter and its registry keep every rule, over a real socket.

use std::sync::Arc;

use skyloom_broker::{
    door::{Address, Door, DoorOptions},
    engine::Limits,
};
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::registry::Registry;
use skyloom_service_registry::local::LocalRegistry;
use skyloom_testing::conformance::{Fixture, Peer, RegistryFixture};

const QUEUE_LIMIT: usize = 100;

/// A broker behind its native door on a socket of its own.
struct Local {
    address: Address,
    _directory: tempfile::TempDir,
}

impl Local {
    fn peer(&self) -> (Peer, LocalBroker) {
        let (broker, driver) = LocalBroker::connect(self.address.clone(), LocalOptions::default());
        let driver = tokio::spawn(driver);
        // The socket is the driver's; it is closed without a word.
        let crash = move || driver.abort();
        (Peer::new(Arc::new(broker.clone())).with_crash(crash), broker)
    }
}

impl Fixture for Local {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let address = Address::Unix(directory.path().join("broker.sock"));
        let limits = Limits { channel_messages: QUEUE_LIMIT, ..Limits::default() };
        let options = DoorOptions { limits, ..DoorOptions::default() };
        let door = Door::bind(address.clone(), options).await.expect("the door opens");
        tokio::spawn(door.run(std::future::pending()));
        Self { address, _directory: directory }
    }

    async fn connect(&self) -> Peer {
        self.peer().0
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
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
