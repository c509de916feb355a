//! A server that takes connections and drops them.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use skyloom_core::{broker::Broker, client::Client};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::sleep,
};

use super::{
    run::work,
    words::{queue, until_answered},
};

/// How long a connection lasts meanwhile.
const LIFE: Duration = Duration::from_millis(100);

/// For how long it is so.
const WHILE: Duration = Duration::from_secs(6);

/// How many connections an adapter may try to make in this time: some of its parts have one each, and each pauses for up to
/// two seconds in the end. Every 20 ms, one of them alone would make fifty.
const MOST: usize = 45;

/// A way to a server of this host, which drops its connections soon while it is unsteady.
#[derive(Debug)]
pub struct Unsteady {
    port: u16,
    made: Arc<AtomicUsize>,
    drops: watch::Sender<bool>,
    passing: AbortHandle,
}

impl Unsteady {
    /// The way to the server at this port.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let (made, (drops, dropped)) = (Arc::<AtomicUsize>::default(), watch::channel(false));
        let passing = tokio::spawn(pass_all(listener, server, Arc::clone(&made), dropped)).abort_handle();
        Self { port, made, drops, passing }
    }

    /// Where it begins.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What this broker, connected over it, does while its connections are dropped: it comes back, but not in a hot loop, and
    /// answers calls once the way is good again.
    ///
    /// # Panics
    /// If it is not so.
    pub async fn is_borne_by(&self, broker: Arc<dyn Broker>) {
        let channel = queue("unsteady.v1");
        work(Arc::clone(&broker), channel.clone(), Arc::default());
        let client = Client::new(broker);
        until_answered(&client, &channel).await;
        let before = self.made.load(Ordering::Relaxed);
        self.drops.send_replace(true);
        sleep(WHILE).await;
        self.drops.send_replace(false);
        let made = self.made.load(Ordering::Relaxed) - before;
        assert!((1..=MOST).contains(&made), "{made} connections were made within {WHILE:?}, each for {LIFE:?}");
        until_answered(&client, &channel).await;
    }
}

impl Drop for Unsteady {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

async fn pass_all(listener: TcpListener, server: u16, made: Arc<AtomicUsize>, drops: watch::Receiver<bool>) {
    // Connections end with the set.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        made.fetch_add(1, Ordering::Relaxed);
        let mut drops = drops.clone();
        connections.spawn(async move {
            let dropped = async {
                drop(drops.wait_for(|drops| *drops).await);
                sleep(LIFE).await;
            };
            tokio::select! {
                () = pass(client, server) => {}
                () = dropped => {}
            }
        });
    }
}

async fn pass(mut client: TcpStream, server: u16) {
    if let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await {
        drop(copy_bidirectional(&mut client, &mut server).await);
    }
}
