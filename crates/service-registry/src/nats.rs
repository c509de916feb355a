//! The registry in NATS.

use std::time::Duration;

use skyloom_broker_adapters::{
    nats::NatsLink,
    remote::{BrokerUrl, OpenError},
};

use crate::linked::Linked;

/// The registry in NATS, on a connection of its own. It needs JetStream.
///
/// A process says every 0.6 s that its instances are there; 2.2 s after its last word they are gone, and all
/// who watch know it. Contracts stay until they are forgotten on purpose. If NATS is away, what was known last
/// stands; when it is back, whoever runs registers anew. A contract that is lost while its service runs is told again
/// within some seconds. All of it lies in two key-value buckets:
///
/// | bucket | keys and values |
/// |---|---|
/// | `<prefix>-instances` | in memory, for 2.2 s: descriptions in JSON, by GUID |
/// | `<prefix>-contracts` | contracts in JSON, by the service's full name in hexadecimal |
pub type NatsRegistry = Linked<NatsLink>;

impl Linked<NatsLink> {
    /// Connects to the server, or to one of the cluster, that the URL names, and checks that JetStream is there.
    ///
    /// # Errors
    /// [`OpenError`] says why there is no connection; nobody is waited for longer than `patience`.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        Ok(Self::new(NatsLink::connect(url, patience).await?))
    }
}
