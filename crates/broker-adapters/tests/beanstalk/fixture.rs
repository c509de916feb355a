//! A server and connections to it.

use std::{sync::Arc, time::Duration};

use skyloom_broker_adapters::{beanstalk::BeanstalkBroker, remote::BrokerUrl};
use skyloom_testing::{
    conformance::{Fixture, Peer},
    servers::{Launch, Server},
};

/// How many messages a queue takes.
pub(crate) const QUEUE_LIMIT: usize = 100;

/// Names another program with beanstalkd's options that is to be tested against.
const PROGRAM: &str = "SKYLOOM_TEST_BEANSTALKD";

/// How long a server may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to start, with room for large messages.
pub(crate) fn launch() -> Launch {
    let program = std::env::var(PROGRAM).unwrap_or_else(|_| "beanstalkd".to_owned());
    Launch::like_beanstalkd(&program)
}

/// A server with room for large messages.
pub(crate) fn server() -> Server {
    Server::start(launch().args(["-z", "16777216"]))
}

pub(crate) fn url(server: &Server, options: &str) -> BrokerUrl {
    format!("beanstalk://127.0.0.1:{}?{options}", server.port()).parse().expect("a URL")
}

/// A connection on the runtime of the test.
pub(crate) async fn connect(url: &BrokerUrl) -> Arc<BeanstalkBroker> {
    Arc::new(BeanstalkBroker::connect(url, PATIENCE).await.expect("the server is there"))
}

/// A connection with a runtime of its own, which ends as a process does: without a word.
pub(crate) async fn process(url: &BrokerUrl) -> Peer {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = Runtime(Some(runtime.expect("a runtime")));
    let url = url.clone();
    let connecting = runtime.0.as_ref().expect("it runs").spawn(async move { connect(&url).await });
    Peer::new(connecting.await.expect("it connects")).with_crash(move || drop(runtime))
}

/// A server of its own for every rule.
pub(crate) struct Beanstalkd(Server);

impl Fixture for Beanstalkd {
    async fn start() -> Self {
        Self(server())
    }

    async fn connect(&self) -> Peer {
        let url = url(&self.0, &format!("queue_messages={QUEUE_LIMIT}"));
        process(&url).await
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}

/// A runtime that may be dropped anywhere.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
