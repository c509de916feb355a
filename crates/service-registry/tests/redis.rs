//! The registry in Redis keeps every rule, against the real server; and it outlives it.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use skyloom_broker_adapters::{redis::RedisBroker, remote::BrokerUrl};
use skyloom_core::{
    Guid,
    registry::{Instance, Registry},
};
use skyloom_service_registry::redis::RedisRegistry;
use skyloom_testing::{
    conformance::{Fixture, Peer, RegistryFixture, apart},
    servers::{Server, redis_cluster, redis_command, redis_launch},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Each rule has names of its own on a shared server.
fn corner(url: &str) -> BrokerUrl {
    static CORNERS: AtomicU32 = AtomicU32::new(0);
    let corner = CORNERS.fetch_add(1, Ordering::Relaxed);
    format!("{url}?prefix=corner{corner}").parse().expect("a URL")
}

async fn peer(url: &BrokerUrl) -> Peer {
    let url = url.clone();
    let connect = async move || RedisBroker::connect(&url, PATIENCE).await.expect("the broker can be used");
    let (broker, killer) = apart(connect).await;
    Peer::new(broker, move || killer.kill())
}

async fn registry(url: &BrokerUrl) -> (Peer, Arc<dyn Registry>) {
    let (own, broker) = (url.clone(), peer(url).await.broker);
    let connect = async move || RedisRegistry::connect(&own, PATIENCE).await.expect("the registry can be used");
    let (registry, killer) = apart(connect).await;
    (Peer::new(broker, move || killer.kill()), registry)
}

mod single {
    use super::*;

    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(redis_launch()));

    struct Single(BrokerUrl);

    impl Fixture for Single {
        async fn start() -> Self {
            Self(corner(&format!("redis://127.0.0.1:{}", SERVER.port())))
        }

        async fn connect(&self) -> Peer {
            peer(&self.0).await
        }

        fn queue_limit(&self) -> usize {
            usize::MAX
        }
    }

    impl RegistryFixture for Single {
        async fn registry(&self) -> (Peer, Arc<dyn Registry>) {
            registry(&self.0).await
        }
    }

    skyloom_testing::registry_conformance!(Single);
}

mod cluster {
    use super::*;

    static SERVERS: LazyLock<[Server; 3]> = LazyLock::new(redis_cluster);

    struct Cluster(BrokerUrl);

    impl Fixture for Cluster {
        async fn start() -> Self {
            let hosts = SERVERS.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
            Self(corner(&format!("redis+cluster://{}", hosts.join(","))))
        }

        async fn connect(&self) -> Peer {
            peer(&self.0).await
        }

        fn queue_limit(&self) -> usize {
            usize::MAX
        }
    }

    impl RegistryFixture for Cluster {
        async fn registry(&self) -> (Peer, Arc<dyn Registry>) {
            registry(&self.0).await
        }
    }

    skyloom_testing::registry_conformance!(Cluster);
}

/// A Redis that comes back empty is told anew who is there; meanwhile what was known stands.
#[tokio::test]
async fn who_runs_registers_anew_with_a_redis_that_has_forgotten() {
    let mut server = Server::start(redis_launch());
    let url = corner(&format!("redis://127.0.0.1:{}", server.port()));
    let registry = RedisRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let (host, region) = ("alpha".to_owned(), "eu".to_owned());
    let instance = Instance { id: Guid::private(), services: Vec::new(), host, region, pid: 1, started: 2 };
    let _guard = registry.register(instance.clone(), Vec::new()).await.expect("it is registered");
    let mut watch = registry.watch().await.expect("it can be watched");
    let there = |watch: &skyloom_core::registry::Snapshot| watch.instances.contains_key(&instance.id);
    tokio::time::timeout(PATIENCE, watch.wait_for(|now| there(now))).await.expect("in time").expect("it goes on");
    server.kill();
    assert!(there(&watch.borrow()), "what was known stands");
    server.restart();
    let fresh = RedisRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let mut watch = fresh.watch().await.expect("it can be watched");
    tokio::time::timeout(PATIENCE, watch.wait_for(|now| there(now))).await.expect("in time").expect("it goes on");
}

/// On the loopback address of IPv6, which this host must have.
#[tokio::test]
async fn the_registry_is_found_at_an_address_of_ipv6() {
    let server = Server::start(redis_launch().args(["--bind", "127.0.0.1", "::1"]));
    let url = corner(&format!("redis://[::1]:{}", server.port()));
    let registry = RedisRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let instance = Instance {
        id: Guid::private(),
        services: Vec::new(),
        host: "alpha".to_owned(),
        region: String::new(),
        pid: 1,
        started: 2,
    };
    let mut watch = registry.watch().await.expect("it can be watched");
    let _guard = registry.register(instance.clone(), Vec::new()).await.expect("it is registered");
    let there = watch.wait_for(|now| now.instances.contains_key(&instance.id));
    tokio::time::timeout(PATIENCE, there).await.expect("in time").expect("it goes on");
}

/// Who cannot follow the registry is told why.
#[tokio::test]
async fn what_keeps_somebody_from_following_is_named() {
    let server = Server::start(redis_launch());
    assert_eq!(redis_command(&server, "ACL SETUSER ada on >secret ~skyloom:* resetchannels +@all"), "+OK");
    let url = format!("redis://ada:secret@127.0.0.1:{}", server.port()).parse().expect("a URL");
    let registry = RedisRegistry::connect(&url, PATIENCE).await.expect("the registry can be used");
    let sentence = registry.watch().await.expect_err("it cannot be followed").to_string();
    assert!(sentence.contains("NOPERM"), "{sentence}");
}
