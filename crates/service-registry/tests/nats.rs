//! The registry in NATS keeps every rule, against the real server; and it outlives it.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use skyloom_broker_adapters::{nats::NatsBroker, remote::BrokerUrl};
use skyloom_core::{
    Guid,
    registry::{Instance, Registry},
};
use skyloom_service_registry::nats::NatsRegistry;
use skyloom_testing::{
    conformance::{Fixture, Peer, RegistryFixture, apart},
    servers::{Server, nats, nats_with},
};

const PATIENCE: Duration = Duration::from_secs(10);

static SERVER: LazyLock<Server> = LazyLock::new(nats);

/// Each rule has names of its own on a shared server.
struct Nats(BrokerUrl);

impl Fixture for Nats {
    async fn start() -> Self {
        static CORNERS: AtomicU32 = AtomicU32::new(0);
        let (port, corner) = (SERVER.port(), CORNERS.fetch_add(1, Ordering::Relaxed));
        Self(format!("nats://127.0.0.1:{port}?prefix=corner{corner}").parse().expect("a URL"))
    }

    async fn connect(&self) -> Peer {
        let url = self.0.clone();
        let connect = async move || NatsBroker::connect(&url, PATIENCE).await.expect("the broker can be used");
        let (broker, killer) = apart(connect).await;
        Peer::new(broker, move || killer.kill())
    }

    fn queue_limit(&self) -> usize {
        usize::MAX
    }
}

impl RegistryFixture for Nats {
    async fn registry(&self) -> (Peer, Arc<dyn Registry>) {
        let (url, broker) = (self.0.clone(), self.connect().await.broker);
        let connect = async move || NatsRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
        let (registry, killer) = apart(connect).await;
        (Peer::new(broker, move || killer.kill()), registry)
    }
}

skyloom_testing::registry_conformance!(Nats);

/// A server that comes back without its memory is told anew who is there; meanwhile what was known stands.
#[tokio::test]
async fn who_runs_registers_anew_with_a_server_that_has_forgotten() {
    let mut server = nats();
    let url: BrokerUrl = format!("nats://127.0.0.1:{}", server.port()).parse().expect("a URL");
    let registry = NatsRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let (host, region) = ("alpha".to_owned(), "eu".to_owned());
    let instance = Instance { id: Guid::private(), services: Vec::new(), host, region, pid: 1, started: 2 };
    let _guard = registry.register(instance.clone(), Vec::new()).await.expect("it is registered");
    let mut watch = registry.watch().await.expect("it can be watched");
    let there = |watch: &skyloom_core::registry::Snapshot| watch.instances.contains_key(&instance.id);
    tokio::time::timeout(PATIENCE, watch.wait_for(|now| there(now))).await.expect("in time").expect("it goes on");
    server.kill();
    assert!(there(&watch.borrow()), "what was known stands");
    server.restart();
    let fresh = NatsRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let mut watch = fresh.watch().await.expect("it can be watched");
    tokio::time::timeout(PATIENCE, watch.wait_for(|now| there(now))).await.expect("in time").expect("it goes on");
}

/// Who cannot follow the registry is told why.
#[tokio::test]
async fn what_keeps_somebody_from_following_is_named() {
    let denied = "permissions: { publish: { deny: [\"$JS.API.STREAM.CREATE.KV_skyloom-instances\"] } }";
    let server = nats_with(&format!("authorization {{ users: [ {{ user: ada, password: secret, {denied} }} ] }}"));
    let url: BrokerUrl = format!("nats://ada:secret@127.0.0.1:{}", server.port()).parse().expect("a URL");
    let registry = NatsRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let sentence = registry.watch().await.expect_err("it cannot be followed").to_string();
    assert!(sentence.contains("no permission for $JS.API.STREAM.CREATE.KV_skyloom-instances"), "{sentence}");
}
