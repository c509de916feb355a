//! Opens the connections of a broker or of a registry.

use std::{sync::Arc, time::Duration};

use crate::remote::{BrokerUrl, OpenError};

use super::{driver, nodes::Nodes, options::Options, probe::await_server, shared::Shared, trouble::open_error};

/// Connects to the server or the cluster that a URL names, and checks that it can be used.
pub(super) async fn open(url: &BrokerUrl, patience: Duration) -> Result<Arc<Shared>, OpenError> {
    let nodes = Nodes::new(Options::of(url)?, driver::start);
    let shared = Shared::new(Arc::clone(&nodes));
    await_server(&nodes.options, &shared.names.inbox(nodes.session), patience).await?;
    let learned = nodes.refresh().await;
    let options = &nodes.options;
    match (learned, options.addresses.first()) {
        (Err(error), Some(address)) => Err(open_error(options, address, &error)),
        _ => Ok(shared),
    }
}
