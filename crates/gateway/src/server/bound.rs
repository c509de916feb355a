//! A gateway that listens.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use skyloom::Shortage;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::connection::serve;
use crate::{error::GatewayError, gateway::Gateway};

/// How long to wait after a failed accept: when file descriptors have run out, trying again at once
/// would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A gateway that listens and waits to be run.
#[derive(Debug)]
pub struct Bound {
    gateway: Gateway,
    listener: TcpListener,
    address: SocketAddr,
    /// The socket is another's, who goes on listening.
    inherited: bool,
}

/// A gateway that accepts nothing new.
#[derive(Debug)]
#[must_use = "what is under way is cut off if it is not drained"]
pub struct Draining {
    gateway: Gateway,
    connections: Arc<Semaphore>,
}

impl Gateway {
    /// Listens on an address of this host.
    ///
    /// # Errors
    /// If the port is taken, or the address can be reached from other hosts.
    pub async fn bind(self, address: SocketAddr) -> Result<Bound, GatewayError> {
        check(address)?;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => GatewayError::Taken { address },
            _ => GatewayError::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Bound { gateway: self, listener, address, inherited: false })
    }

    /// Serves on a socket that listens already and stays open for the next process: see
    /// [`inherited_listener`](crate::inherited_listener).
    ///
    /// # Errors
    /// If the socket is no use, or the address can be reached from other hosts.
    pub fn take_over(self, listener: std::net::TcpListener) -> Result<Bound, GatewayError> {
        let address = listener.local_addr().map_err(GatewayError::Inherited)?;
        check(address)?;
        listener.set_nonblocking(true).map_err(GatewayError::Inherited)?;
        let listener = TcpListener::from_std(listener).map_err(GatewayError::Inherited)?;
        Ok(Bound { gateway: self, listener, address, inherited: true })
    }
}

/// Checks that nobody can reach an address from another host.
///
/// # Errors
/// That somebody can.
pub(crate) fn check(address: SocketAddr) -> Result<(), GatewayError> {
    if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(GatewayError::NotLoopback { address }) }
}

impl Bound {
    /// The address that it listens on; the port is the real one even if 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the future is ready, then drains as long as the options allow: accepts nothing new, lets
    /// requests finish, ends streams, and returns once all connections are closed or the drain time is over.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let drain = self.gateway.state.options.drain;
        self.serve_until(shutdown).await.drain(drain).await;
    }

    /// Serves until the future is ready, and then accepts nothing new. Whoever waits to be accepted then is, unless
    /// the socket is another's, who leaves them to the next process.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> Draining {
        let Self { gateway, listener, address, inherited } = self;
        tracing::info!(%address, inherited, "the gateway listens");
        let connections = Arc::new(Semaphore::new(gateway.state.options.max_connections));
        let serve = |(stream, permit): (TcpStream, OwnedSemaphorePermit)| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                serve(gateway, stream).await;
                drop(permit);
            });
        };
        let mut shortage = Shortage::default();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = accept(&listener, &connections, &mut shortage) => accepted,
            };
            accepted.map(serve);
        }
        if !inherited {
            while let Some(accepted) = accept(&listener, &connections, &mut shortage).now_or_never() {
                accepted.map(serve);
            }
        }
        Draining { gateway, connections }
    }
}

impl Draining {
    /// Ends streams, lets requests finish, and returns once all connections are closed or this time is over.
    pub async fn drain(self, time: Duration) {
        let most = self.gateway.state.options.max_connections;
        let open = most - self.connections.available_permits();
        self.gateway.state.drain();
        // Each connection holds one of them.
        let all = self.connections.acquire_many(u32::try_from(most).unwrap_or(u32::MAX));
        if tokio::time::timeout(time, all).await.is_err() {
            tracing::warn!("the drain time is over; connections that are still open are cut");
        }
        tracing::info!(open, "the gateway has drained");
    }
}

/// The next connection once there is room for it; none if accepting failed.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    shortage: &mut Shortage,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection was gone before it was accepted");
            }
            Some((stream, permit))
        }
        Err(error) => {
            shortage.say(&error);
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
