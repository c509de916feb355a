//! A server and connections to it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom_broker_adapters::{beanstalk::BeanstalkBroker, remote::BrokerUrl};
use skyloom_testing::{
    conformance::{Fixture, Peer},
    servers::{Launch, Server},
};
use tokio::runtime::{Builder, Runtime};

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

/// What stands for another process: a connection with a runtime of its own, which can end without a word.
pub(crate) struct Process {
    pub(crate) broker: Arc<BeanstalkBroker>,
    runtime: Arc<Mutex<Option<Runtime>>>,
}

impl Process {
    pub(crate) async fn start(url: &BrokerUrl) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let url = url.clone();
        let broker = runtime.spawn(async move { connect(&url).await }).await.expect("it connects");
        Self { broker, runtime: Arc::new(Mutex::new(Some(runtime))) }
    }

    /// Ends it as `kill -9` would.
    pub(crate) fn kill(&self) {
        if let Some(runtime) = self.runtime.lock().expect("nobody has panicked").take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server of its own for every rule.
pub(crate) struct Beanstalkd {
    processes: Mutex<Vec<Arc<Process>>>,
    server: Server,
}

impl Fixture for Beanstalkd {
    async fn start() -> Self {
        Self { processes: Mutex::default(), server: server() }
    }

    async fn connect(&self) -> Peer {
        let url = url(&self.server, &format!("queue_messages={QUEUE_LIMIT}"));
        let process = Arc::new(Process::start(&url).await);
        self.processes.lock().expect("nobody has panicked").push(Arc::clone(&process));
        let broker = Arc::clone(&process.broker);
        Peer::new(broker).with_crash(move || process.kill())
    }

    fn queue_limit(&self) -> usize {
        QUEUE_LIMIT
    }
}
