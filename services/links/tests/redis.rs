//! Two instances that share their links through a real Redis.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use links::{
    Links, Settings,
    contract::{LinksClient, ResolveRequest, ShortenRequest, StatsRequest},
};
use skyloom::Code;
use skyloom_testing::{Cluster, TestCluster};

/// A Redis of the test's own.
struct Redis {
    child: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Redis {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let child = Command::new("redis-server")
            .args(["--port", &address.port().to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed: run scripts/test.sh, which installs it");
        let redis = Self { child, url: format!("redis://{address}"), _directory: directory };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return redis;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not answer");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An instance in a cluster of its own, so that nothing but Redis connects it to the other.
async fn instance(redis_url: &str) -> Cluster {
    let settings = Settings { redis_url: Some(redis_url.to_owned()), ..Settings::default() };
    let links = Links::new(settings).await.expect("Redis answers");
    TestCluster::new().with(links).start().await
}

#[tokio::test]
async fn instances_share_their_links() {
    let redis = Redis::start().await;
    let (first, second) = (instance(&redis.url).await, instance(&redis.url).await);
    let (one, other) = (first.client::<LinksClient>(), second.client::<LinksClient>());
    let url = "https://www.rust-lang.org/learn".to_owned();
    let link = one.shorten(ShortenRequest { url: url.clone() }).await.unwrap();
    for client in [&one, &other] {
        let reply = client.resolve(ResolveRequest { code: link.code.clone() }).await.unwrap();
        assert_eq!(reply.url, url);
    }
    let stats = one.stats(StatsRequest { code: link.code }).await.unwrap();
    assert_eq!((stats.url, stats.visits), (url, 2));
    let unknown = other.stats(StatsRequest { code: "abcdefg".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_said() {
    let settings = Settings { redis_url: Some("redis://127.0.0.1:1".to_owned()), ..Settings::default() };
    let opening = tokio::time::timeout(Duration::from_secs(30), Links::new(settings));
    let error = opening.await.expect("it is said soon").expect_err("nobody answers there");
    assert!(error.to_string().starts_with("redis: "), "{error}");
}
