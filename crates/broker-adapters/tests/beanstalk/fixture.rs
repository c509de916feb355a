//! Servers, connections to them, and their ends.

use std::{future::Future, sync::Arc, time::Duration};

use skyloom_broker_adapters::{
    beanstalk::BeanstalkBroker,
    remote::{BrokerUrl, OpenError},
};
use skyloom_core::broker::Broker;
use skyloom_testing::{
    conformance::{BrokerFixture, Fixture, Killer, Peer, apart},
    servers::{Launch, Server},
};

/// How many messages a queue takes.
pub(crate) const QUEUE_LIMIT: usize = 100;

/// Names another program with beanstalkd's options that is to be tested against.
const PROGRAM: &str = "TEST_BEANSTALKD";

/// How long a server may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to start.
pub(crate) fn launch() -> Launch {
    let program = std::env::var(PROGRAM).unwrap_or_else(|_| "beanstalkd".to_owned());
    Launch::like_beanstalkd(&program)
}

/// A server with room for large messages.
pub(crate) fn server() -> Server {
    Server::start(launch().args(["-z", "16777216"]))
}

/// A server that has on disk what it confirms.
pub(crate) fn durable_server() -> Server {
    Server::start(launch().args(["-b", ".", "-f", "0"]))
}

pub(crate) fn url(server: &Server, options: &str) -> String {
    format!("beanstalk://127.0.0.1:{}?{options}", server.port())
}

/// Connects to the broker that a URL names.
pub(crate) async fn try_connect(url: &str, patience: Duration) -> Result<BeanstalkBroker, OpenError> {
    let url: BrokerUrl = url.parse()?;
    BeanstalkBroker::connect(&url, patience).await
}

/// Connects to a broker that is there.
pub(crate) async fn connect(url: &str) -> Arc<dyn Broker> {
    Arc::new(try_connect(url, PATIENCE).await.expect("the server is there"))
}

/// Connects as another process would, which can be killed.
pub(crate) async fn process(url: &str) -> (Arc<dyn Broker>, Killer) {
    let url = url.to_owned();
    let (broker, killer) = apart(async move || try_connect(&url, PATIENCE).await.expect("the server is there")).await;
    (broker, killer)
}

/// Runs a test for a limited time, on one thread.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(90), test).await };
    runtime.block_on(limited).expect("the test ends in time");
}

/// Runs a test on two threads: its load goes on while it waits for a server.
pub(crate) fn run_beside_load(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(300), test).await };
    runtime.block_on(limited).expect("the test ends in time");
}

/// A server of its own for every rule.
pub(crate) struct Beanstalkd {
    server: Server,
    options: String,
}

impl Fixture for Beanstalkd {
    async fn start() -> Self {
        Self { server: server(), options: format!("queue_messages={QUEUE_LIMIT}") }
    }

    async fn connect(&self) -> Peer {
        let (broker, killer) = process(&url(&self.server, &self.options)).await;
        Peer::new(broker, move || killer.kill())
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

impl BrokerFixture for Beanstalkd {
    async fn bounded_in_bytes(bytes: usize) -> Result<Self, String> {
        let server = server();
        let opened = try_connect(&url(&server, &format!("queue_bytes={bytes}")), PATIENCE).await;
        opened.map(|_| Self { server, options: String::new() }).map_err(|error| error.to_string())
    }

    async fn durable() -> Self {
        Self { server: durable_server(), options: String::new() }
    }

    async fn crash(&mut self) {
        self.server.kill();
        self.server.restart();
    }
}
