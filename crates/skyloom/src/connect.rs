//! From a URL to a broker and its registry.

use std::{fmt, sync::Arc, time::Duration};

use skyloom_broker::door::{Address, AddressError};
use skyloom_broker_adapters::{
    local::{LocalBroker, LocalOptions},
    memory::MemoryBroker,
};
use skyloom_core::{
    Status,
    broker::{Broker, BrokerError},
    client::{Client, ClientOptions},
    registry::Registry,
};
use skyloom_service_registry::{local::LocalRegistry, memory::MemoryRegistry};

/// How long to wait for a broker that is just being started.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a process has no broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no broker that this build can reach.
    #[error("{url:?} names no broker: use local:, unix:/path/to/socket, tcp://127.0.0.1:PORT or memory:")]
    Unknown {
        /// The URL.
        url: String,
    },
    /// The address is malformed or not allowed.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Nobody answers there.
    #[error("no broker at {address}: {}; name another with --broker", why(.reason))]
    Absent {
        /// Where.
        address: String,
        /// Why.
        reason: BrokerError,
    },
}

/// The reason without the sentence that it is not available, which has been said.
fn why(error: &BrokerError) -> String {
    match error {
        BrokerError::Unavailable { reason } => reason.clone(),
        other => other.to_string(),
    }
}

impl From<ConnectError> for Status {
    fn from(error: ConnectError) -> Self {
        Self::unavailable(error.to_string())
    }
}

/// A broker and the registry that lives beside it, on one connection. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// The registry.
    pub registry: Arc<dyn Registry>,
    address: Arc<str>,
}

impl Connection {
    /// A broker and a registry of this process's own, in memory.
    #[must_use]
    pub fn memory() -> Self {
        let broker = MemoryBroker::default();
        let registry = Arc::new(MemoryRegistry::new(broker.clone()));
        Self { broker: Arc::new(broker), registry, address: "memory:".into() }
    }

    /// A client with default options.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(Arc::clone(&self.broker))
    }

    /// A client with these options.
    #[must_use]
    pub fn client_with(&self, options: ClientOptions) -> Client {
        Client::with_options(Arc::clone(&self.broker), options)
    }

    /// Where the broker is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A connection to the broker at an address.
    pub(crate) async fn open(address: &Address, patience: Duration) -> Result<Self, ConnectError> {
        let broker = LocalBroker::spawn(address.clone(), LocalOptions::default());
        if let Err(reason) = broker.ready(patience).await {
            return Err(ConnectError::Absent { address: address.to_string(), reason });
        }
        let registry = Arc::new(LocalRegistry::new(broker.clone()));
        Ok(Self { broker: Arc::new(broker), registry, address: address.to_string().into() })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.address).finish()
    }
}

/// Connects to the broker of this URL: `local:`, `unix:/path`, `tcp://127.0.0.1:4711`, or
/// `memory:` for one of this process's own.
///
/// # Errors
/// If the URL is malformed, or nobody answers there within a few seconds.
pub async fn connect(url: &str) -> Result<Connection, ConnectError> {
    connect_within(url, PATIENCE).await
}

/// Connects as [`connect`] does, and gives up after this time.
///
/// # Errors
/// As for [`connect`].
pub async fn connect_within(url: &str, patience: Duration) -> Result<Connection, ConnectError> {
    if url == "memory:" {
        return Ok(Connection::memory());
    }
    Connection::open(&address(url)?, patience).await
}

/// The address that a URL names.
pub(crate) fn address(url: &str) -> Result<Address, ConnectError> {
    let known = ["local:", "unix:", "tcp:"].iter().any(|scheme| url.starts_with(scheme));
    if known { Ok(url.parse()?) } else { Err(ConnectError::Unknown { url: url.to_owned() }) }
}
