//! A gateway that listens.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
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
}

impl Gateway {
    /// Listens on an address of this host.
    ///
    /// # Errors
    /// If the port is taken, or the address can be reached from other hosts.
    pub async fn bind(self, address: SocketAddr) -> Result<Bound, GatewayError> {
        if !address.ip().to_canonical().is_loopback() {
            return Err(GatewayError::NotLoopback { address });
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => GatewayError::Taken { address },
            _ => GatewayError::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Bound { gateway: self, listener, address })
    }
}

impl Bound {
    /// The address that it listens on; the port is the real one even if 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the future is ready, then drains: accepts nothing new, lets requests finish, ends
    /// streams, and returns once all connections are closed or the drain time is over.
    ///
    /// # Errors
    /// None yet: a failed accept is logged and tried again.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), GatewayError> {
        let Self { gateway, listener, address } = self;
        tracing::info!(%address, "the gateway listens");
        let options = gateway.state.options.clone();
        let connections = Arc::new(Semaphore::new(options.max_connections));
        let graceful = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = accept(&listener, &connections) => accepted,
            };
            let Some((stream, permit)) = accepted else { continue };
            let connection = serve(gateway.clone(), stream, graceful.watcher());
            tokio::spawn(async move {
                connection.await;
                drop(permit);
            });
        }
        drop(listener);
        gateway.state.drain();
        let open = graceful.count();
        if tokio::time::timeout(options.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("the drain time is over; connections that are still open are cut");
        }
        tracing::info!(open, "the gateway has drained");
        Ok(())
    }
}

/// The next connection once there is room for it; none if accepting failed.
async fn accept(listener: &TcpListener, connections: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection was gone before it was accepted");
            }
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
