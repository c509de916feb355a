//! The embedded broker in another process of this host.

use std::{process, sync::Arc, time::Duration};

use skyloom_broker::door::Address;
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::{broker::Broker, registry::Registry};
use skyloom_service_registry::local::LocalRegistry;

use super::ConnectError;
use crate::arguments::program;

/// The address that a URL of the embedded broker names.
pub(crate) fn address(url: &str) -> Result<Address, ConnectError> {
    Ok(url.parse()?)
}

/// The broker at an address and the registry that it keeps, on one connection.
pub(super) async fn open(
    address: &Address,
    patience: Duration,
) -> Result<(Arc<dyn Broker>, Arc<dyn Registry>), ConnectError> {
    let broker = LocalBroker::spawn(address.clone(), options());
    if let Err(reason) = broker.ready(patience).await {
        return Err(ConnectError::Absent { address: address.to_string(), reason });
    }
    let registry = Arc::new(LocalRegistry::new(broker.clone()));
    Ok((Arc::new(broker), registry))
}

/// Whether a broker answers at an address within this time.
pub(crate) async fn is_there(address: &Address, patience: Duration) -> bool {
    let broker = LocalBroker::spawn(address.clone(), options());
    let there = broker.ready(patience).await.is_ok();
    broker.close().await;
    there
}

/// The broker's logs call this process by its program and its process id, such as `orders 4711`.
fn options() -> LocalOptions {
    LocalOptions { name: format!("{} {}", program(), process::id()), ..LocalOptions::default() }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt as _, net::UnixListener};

    use super::*;

    #[tokio::test]
    async fn the_broker_is_told_who_comes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("broker.sock");
        let broker = UnixListener::bind(&path).unwrap();
        let address = address(&format!("unix:{}", path.display())).unwrap();
        let heard = async {
            let (mut client, _) = broker.accept().await.unwrap();
            // What comes before the name in a hello: docs/wire.md.
            let mut hello = [0; 4 + 2 + 2 + 16 + 1];
            client.read_exact(&mut hello).await.unwrap();
            let mut name = vec![0; hello[24].into()];
            client.read_exact(&mut name).await.unwrap();
            String::from_utf8(name).unwrap()
        };
        let (name, there) = tokio::join!(heard, is_there(&address, Duration::from_millis(50)));
        assert_eq!((name, there), (format!("{} {}", program(), process::id()), false));
    }
}
