//! A server of the test's own, and connections to it.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use skyloom_broker_adapters::nats::NatsBroker;
use skyloom_testing::servers::{Server, nats};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// How long a connection may take, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to the server of this URL.
pub(crate) async fn connect(url: &str) -> NatsBroker {
    let connected = NatsBroker::connect(&url.parse().expect("a valid URL"), PATIENCE).await;
    connected.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// One server for all tests that only need a corner of one; it ends with the last of those that run at a time.
pub(crate) fn shared() -> Arc<Server> {
    static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = server.upgrade() {
        return server;
    }
    let started = Arc::new(nats());
    *server = Arc::downgrade(&started);
    started
}

/// Kills a server that nobody else uses, and starts it anew.
pub(crate) fn crash(server: &mut Arc<Server>) {
    let server = Arc::get_mut(server).expect("the server is the rule's own");
    server.kill();
    server.restart();
}

/// A prefix that nobody else uses.
pub(crate) fn corner() -> String {
    static CORNERS: AtomicU32 = AtomicU32::new(0);
    format!("corner{}", CORNERS.fetch_add(1, Ordering::Relaxed))
}

/// Forwards one port to another until it is cut, or its runtime ends.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) port: u16,
    forward: AbortHandle,
}

impl Line {
    /// A line to a port of this host.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let forward = async move {
            // The connections end with the listener.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut inner, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(mut outer) = TcpStream::connect(("127.0.0.1", server)).await {
                        drop(inner.set_nodelay(true).and_then(|()| outer.set_nodelay(true)));
                        drop(copy_bidirectional(&mut inner, &mut outer).await);
                    }
                });
            }
        };
        Self { port, forward: tokio::spawn(forward).abort_handle() }
    }

    /// Ends it without a word.
    pub(crate) fn cut(&self) {
        self.forward.abort();
    }
}
