//! Every rule for brokers, on one server and on a cluster of three.

use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

use skyloom_testing::{
    conformance::{BrokerFixture, Fixture, Peer},
    servers::{Server, await_redis_cluster, durable_redis, redis_cluster, redis_launch},
};

use super::support::Process;

/// How many messages a queue takes.
const QUEUE_LIMIT: usize = 100;

/// Each rule has names of its own on a shared server.
fn corner(url: &str) -> String {
    static CORNERS: AtomicU32 = AtomicU32::new(0);
    let corner = CORNERS.fetch_add(1, Ordering::Relaxed);
    format!("{url}?prefix=corner{corner}")
}

/// Kills servers that nobody else uses, and starts them anew.
fn crash(servers: &mut [Server]) {
    servers.iter_mut().for_each(Server::kill);
    servers.iter_mut().for_each(Server::restart);
}

mod single {
    use super::*;

    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(redis_launch()));

    /// A corner of the shared server, or a server of its own.
    struct Single {
        url: String,
        own: Option<Server>,
    }

    fn url(server: &Server) -> String {
        corner(&format!("redis://127.0.0.1:{}", server.port()))
    }

    impl Fixture for Single {
        async fn start() -> Self {
            Self { url: format!("{}&queue_messages={QUEUE_LIMIT}", url(&SERVER)), own: None }
        }

        async fn connect(&self) -> Peer {
            Process::start(&self.url).await.into_peer()
        }

        fn queue_limit(&self) -> usize {
            QUEUE_LIMIT
        }
    }

    impl BrokerFixture for Single {
        async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
            Ok(Self { url: format!("{}&queue_bytes={bytes}", url(&SERVER)), own: None })
        }

        async fn durable() -> Self {
            let server = durable_redis();
            Self { url: url(&server), own: Some(server) }
        }

        async fn crash(&mut self) {
            crash(self.own.as_mut_slice());
        }
    }

    skyloom_testing::broker_conformance!(Single);
}

mod cluster {
    use super::*;

    static SERVERS: LazyLock<[Server; 3]> = LazyLock::new(redis_cluster);

    /// A corner of the shared cluster, or one of its own.
    struct Cluster {
        url: String,
        own: Option<[Server; 3]>,
    }

    fn url(servers: &[Server; 3]) -> String {
        let hosts = servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
        corner(&format!("redis+cluster://{}", hosts.join(",")))
    }

    impl Fixture for Cluster {
        async fn start() -> Self {
            Self { url: format!("{}&queue_messages={QUEUE_LIMIT}", url(&SERVERS)), own: None }
        }

        async fn connect(&self) -> Peer {
            Process::start(&self.url).await.into_peer()
        }

        fn queue_limit(&self) -> usize {
            QUEUE_LIMIT
        }
    }

    impl BrokerFixture for Cluster {
        async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
            Ok(Self { url: format!("{}&queue_bytes={bytes}", url(&SERVERS)), own: None })
        }

        async fn durable() -> Self {
            let servers = redis_cluster();
            Self { url: url(&servers), own: Some(servers) }
        }

        async fn crash(&mut self) {
            let servers = self.own.as_mut().expect("a cluster of its own");
            crash(servers);
            await_redis_cluster(servers);
        }
    }

    skyloom_testing::broker_conformance!(Cluster);
}
