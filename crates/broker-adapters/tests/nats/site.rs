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
    io::{AsyncReadExt as _, Take, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
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
    hung: watch::Sender<bool>,
    muffled: watch::Sender<()>,
}

impl Line {
    /// A line to a port of this host.
    pub(crate) async fn to(server: u16) -> Self {
        Self::breaking_after(u64::MAX, server).await
    }

    /// A line to a port of this host, whose first connection breaks when so many bytes have come from there.
    pub(crate) async fn breaking_after(bytes: u64, server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let (hung, muffled) = (watch::Sender::new(false), watch::Sender::new(()));
        let (hangs, muffles) = (hung.clone(), muffled.clone());
        let forward = async move {
            // The connections end with the listener.
            let mut connections = tokio::task::JoinSet::new();
            let mut most = bytes;
            while let Ok((inner, _)) = listener.accept().await {
                let (mut hung, muffled) = (hangs.subscribe(), muffles.subscribe());
                let most = std::mem::replace(&mut most, u64::MAX);
                connections.spawn(async move {
                    if let Ok(outer) = TcpStream::connect(("127.0.0.1", server)).await {
                        drop(inner.set_nodelay(true).and_then(|()| outer.set_nodelay(true)));
                        let (mut heard, mut said) = inner.into_split();
                        let (server, mut asked) = outer.into_split();
                        let mut server = server.take(most);
                        tokio::select! {
                            _ = copy(&mut heard, &mut asked) => {}
                            () = tell(&mut server, &mut said, muffled) => {}
                            () = async { drop(hung.wait_for(|hung| *hung).await) } => std::future::pending().await,
                        }
                    }
                });
            }
        };
        Self { port, forward: tokio::spawn(forward).abort_handle(), hung, muffled }
    }

    /// Ends it without a word.
    pub(crate) fn cut(&self) {
        self.forward.abort();
    }

    /// From now on nothing goes through it, as if whoever uses it were frozen.
    pub(crate) fn hang(&self) {
        self.hung.send_replace(true);
    }

    /// From now on nothing is heard through the connections that there are.
    pub(crate) fn muffle(&self) {
        self.muffled.send_replace(());
    }
}

/// Forwards what the server says until it has said all, or for ever nothing more.
async fn tell(server: &mut Take<OwnedReadHalf>, said: &mut OwnedWriteHalf, mut muffled: watch::Receiver<()>) {
    tokio::select! {
        _ = copy(server, said) => {}
        _ = muffled.changed() => std::future::pending().await,
    }
}
