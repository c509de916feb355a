//! [`Endpoints`]: where a process finds its broker and its registry.

use std::{fmt, sync::Arc, time::Duration};

use skyloom_core::{broker::Broker, registry::Registry};

use super::{
    ConnectError, Connection,
    embedded::{self, address},
    network,
    scheme::{Network, Scheme},
};

/// How long to wait for a broker that is just being started.
const PATIENCE: Duration = Duration::from_secs(5);

/// The embedded broker of this host, which keeps the registry where the broker itself keeps none.
const LOCAL: &str = "local:";

/// Where a process finds its broker and its registry, as URLs. Its `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The broker: `local:`, `unix:/path`, `tcp://127.0.0.1:4711`, `memory:`, `nats://`, `redis://`, `amqp://`
    /// or `beanstalk://`.
    pub broker: String,
    /// The registry, if it is to be another than the broker's own. RabbitMQ and beanstalkd keep none; there
    /// it is the embedded broker's, `local:`, unless this says otherwise.
    pub registry: Option<String>,
}

impl Endpoints {
    /// The broker of this URL and its usual registry.
    #[must_use]
    pub fn new(broker: impl Into<String>) -> Self {
        Self { broker: broker.into(), registry: None }
    }

    /// The embedded broker that these need, be it as the broker or as the registry: its URL.
    ///
    /// # Errors
    /// [`ConnectError::Unknown`] if a URL names no broker.
    pub fn embedded(&self) -> Result<Option<&str>, ConnectError> {
        if Scheme::of(&self.broker)? == Scheme::Embedded {
            return Ok(Some(&self.broker));
        }
        let registry = self.separate_registry()?;
        Ok(registry.map(|(_, url)| url).filter(|url| matches!(Scheme::of(url), Ok(Scheme::Embedded))))
    }

    /// The broker's URL without its password.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn shown(&self) -> Result<String, ConnectError> {
        match Scheme::of(&self.broker)? {
            Scheme::Memory => Ok(self.broker.clone()),
            Scheme::Embedded => Ok(address(&self.broker)?.to_string()),
            Scheme::Network(_) => network::shown(&self.broker),
        }
    }

    /// Connects, and gives up after a few seconds.
    ///
    /// # Errors
    /// If a URL is malformed, or nobody answers there, or who answers cannot be used.
    pub async fn connect(&self) -> Result<Connection, ConnectError> {
        self.connect_within(PATIENCE).await
    }

    /// Connects, and gives up after this time.
    ///
    /// # Errors
    /// As for [`Endpoints::connect`].
    pub async fn connect_within(&self, patience: Duration) -> Result<Connection, ConnectError> {
        let (broker, own): (Arc<dyn Broker>, Option<Arc<dyn Registry>>) = match Scheme::of(&self.broker)? {
            Scheme::Memory => {
                let connection = Connection::memory();
                (connection.broker, Some(connection.registry))
            }
            Scheme::Embedded => {
                let (broker, registry) = embedded::open(&address(&self.broker)?, patience).await?;
                (broker, Some(registry))
            }
            Scheme::Network(kind) => (network::broker(kind, &self.broker, patience).await?, None),
        };
        let (keeper, registry) = match (self.separate_registry()?, own) {
            (Some((scheme, url)), _) => registry(scheme, url, patience).await.map_err(ConnectError::of_registry)?,
            (None, Some(own)) => (None, own),
            (None, None) => registry(Scheme::of(&self.broker)?, &self.broker, patience).await?,
        };
        Ok(Connection::new(broker, registry, &self.shown()?).kept_by(keeper))
    }

    /// The registry that is not the broker's own.
    fn separate_registry(&self) -> Result<Option<(Scheme, &str)>, ConnectError> {
        let keeps_none = matches!(Scheme::of(&self.broker)?, Scheme::Network(Network::Amqp | Network::Beanstalk));
        let url = match &self.registry {
            Some(url) if *url == self.broker => return Ok(None),
            Some(url) => url.as_str(),
            None if keeps_none => LOCAL,
            None => return Ok(None),
        };
        Ok(Some((Scheme::of(url)?, url)))
    }
}

/// A registry of its own, and the embedded broker that keeps it, if it is one that does.
async fn registry(
    scheme: Scheme,
    url: &str,
    patience: Duration,
) -> Result<(Option<Arc<dyn Broker>>, Arc<dyn Registry>), ConnectError> {
    match scheme {
        Scheme::Memory => Ok((None, Connection::memory().registry)),
        Scheme::Embedded => {
            let (keeper, registry) = embedded::open(&address(url)?, patience).await?;
            Ok((Some(keeper), registry))
        }
        Scheme::Network(kind) => Ok((None, network::registry(kind, url, patience).await?)),
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown().unwrap_or_else(|_| "not a broker's URL".to_owned());
        f.debug_struct("Endpoints").field("broker", &shown).finish_non_exhaustive()
    }
}

/// Checks the form of a broker's URL, without connecting.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_broker(url: &str) -> Result<(), ConnectError> {
    match Scheme::of(url)? {
        Scheme::Memory => Ok(()),
        Scheme::Embedded => address(url).map(drop),
        Scheme::Network(kind) => network::check(kind, url),
    }
}

/// Checks the form of a registry's URL, without connecting.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_registry(url: &str) -> Result<(), ConnectError> {
    match Scheme::of(url)? {
        Scheme::Network(kind @ (Network::Amqp | Network::Beanstalk)) => {
            Err(ConnectError::NoRegistry { feature: kind.feature() })
        }
        _ => check_broker(url),
    }
}

/// Connects to the broker of this URL: `local:`, `unix:/path`, `tcp://127.0.0.1:4711`, `memory:` for one of
/// this process's own, or one on the network; see [`Endpoints`].
///
/// # Errors
/// As for [`Endpoints::connect`].
pub async fn connect(url: &str) -> Result<Connection, ConnectError> {
    Endpoints::new(url).connect().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Endpoints;

    #[tokio::test]
    async fn a_registry_that_is_not_there_is_no_broker() {
        // Nothing listens on the port of tcpmux.
        let registry = Some("tcp://127.0.0.1:1".to_owned());
        let endpoints = Endpoints { broker: "memory:".to_owned(), registry };
        let error = endpoints.connect_within(Duration::from_millis(50)).await.unwrap_err();
        assert!(error.is_temporary());
        let said = error.to_string();
        assert!(said.starts_with("no registry at tcp://127.0.0.1:1: "), "{said}");
        assert!(said.ends_with(", or name another with --registry"), "{said}");
    }

    #[test]
    fn the_embedded_broker_is_a_broker_or_a_registry() {
        let embedded = |broker: &str, registry: Option<&str>| {
            let endpoints = Endpoints { broker: broker.to_owned(), registry: registry.map(str::to_owned) };
            endpoints.embedded().unwrap().map(str::to_owned)
        };
        assert_eq!(embedded("unix:/x", None).as_deref(), Some("unix:/x"));
        assert_eq!(embedded("amqp://a", None).as_deref(), Some("local:"));
        assert_eq!(embedded("beanstalk://a", Some("unix:/y")).as_deref(), Some("unix:/y"));
        assert_eq!(embedded("beanstalk://a", Some("redis://b")), None);
        assert_eq!(embedded("nats://a", None), None);
    }
}
