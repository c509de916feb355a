//! The embedded broker in another process of this host.

use std::{sync::Arc, time::Duration};

use skyloom_broker::door::Address;
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::{broker::Broker, registry::Registry};
use skyloom_service_registry::local::LocalRegistry;

use super::ConnectError;

/// The address that a URL of the embedded broker names.
pub(crate) fn address(url: &str) -> Result<Address, ConnectError> {
    Ok(url.parse()?)
}

/// The broker at an address and the registry that it keeps, on one connection.
pub(super) async fn open(
    address: &Address,
    patience: Duration,
) -> Result<(Arc<dyn Broker>, Arc<dyn Registry>), ConnectError> {
    let broker = LocalBroker::spawn(address.clone(), LocalOptions::default());
    if let Err(reason) = broker.ready(patience).await {
        return Err(ConnectError::Absent { address: address.to_string(), reason });
    }
    let registry = Arc::new(LocalRegistry::new(broker.clone()));
    Ok((Arc::new(broker), registry))
}

/// Whether a broker answers at an address within this time.
pub(crate) async fn is_there(address: &Address, patience: Duration) -> bool {
    let broker = LocalBroker::spawn(address.clone(), LocalOptions::default());
    let there = broker.ready(patience).await.is_ok();
    broker.close().await;
    there
}
