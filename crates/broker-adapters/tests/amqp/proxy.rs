//! A wire between a client and its server that can be cut.

use std::net::Ipv4Addr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A wire that is cut when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A wire to a port of this machine.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        Self { port, task: tokio::spawn(serve(listener, server)) }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts it: connections end without a word, and no new ones are made.
    pub(crate) fn cut(&self) {
        self.task.abort();
    }

    /// Makes a cut wire whole again, on the same port.
    pub(crate) async fn mend(&mut self, server: u16) {
        self.cut();
        let listener = loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await {
                Ok(listener) => break listener,
                // The old one is being closed.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.task = tokio::spawn(serve(listener, server));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn serve(listener: TcpListener, server: u16) {
    // Connections end with the set.
    let mut wires = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        wires.spawn(async move {
            if let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await {
                drop(copy_bidirectional(&mut client, &mut server).await);
            }
        });
    }
}
