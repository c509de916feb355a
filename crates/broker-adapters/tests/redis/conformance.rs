//! Every rule for brokers, on one server and on a cluster of three.

use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

use skyloom_testing::{
    conformance::{Fixture, Peer},
    servers::{Server, redis_cluster, redis_launch},
};

use super::support::Process;

/// How many messages a queue takes.
const QUEUE_LIMIT: usize = 100;

/// Each rule has names of its own on a shared server.
fn corner(url: &str) -> String {
    static CORNERS: AtomicU32 = AtomicU32::new(0);
    let corner = CORNERS.fetch_add(1, Ordering::Relaxed);
    format!("{url}?prefix=corner{corner}&queue_messages={QUEUE_LIMIT}")
}

mod single {
    use super::*;

    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(redis_launch()));

    struct Single(String);

    impl Fixture for Single {
        async fn start() -> Self {
            Self(corner(&format!("redis://127.0.0.1:{}", SERVER.port())))
        }

        async fn connect(&self) -> Peer {
            let peer = Process::start(&self.0).await;
            peer.into_peer()
        }

        fn queue_limit(&self) -> usize {
            QUEUE_LIMIT
        }
    }

    skyloom_testing::broker_conformance!(Single);
}

mod cluster {
    use super::*;

    static SERVERS: LazyLock<[Server; 3]> = LazyLock::new(redis_cluster);

    struct Cluster(String);

    impl Fixture for Cluster {
        async fn start() -> Self {
            let hosts = SERVERS.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
            Self(corner(&format!("redis+cluster://{}", hosts.join(","))))
        }

        async fn connect(&self) -> Peer {
            Process::start(&self.0).await.into_peer()
        }

        fn queue_limit(&self) -> usize {
            QUEUE_LIMIT
        }
    }

    skyloom_testing::broker_conformance!(Cluster);
}
