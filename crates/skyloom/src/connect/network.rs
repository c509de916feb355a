//! Brokers and registries on the network, as far as this program was built with them.

use std::{sync::Arc, time::Duration};

use skyloom_broker_adapters::remote::BrokerUrl;
use skyloom_core::{broker::Broker, registry::Registry};

use super::{ConnectError, scheme::Network};

/// The URL without its password.
pub(super) fn shown(url: &str) -> Result<String, ConnectError> {
    Ok(url.parse::<BrokerUrl>()?.to_string())
}

/// Checks a URL without connecting, its options as far as this program knows them.
pub(super) fn check(kind: Network, url: &str) -> Result<(), ConnectError> {
    match (kind, url.parse::<BrokerUrl>()?) {
        #[cfg(feature = "nats")]
        (Network::Nats, url) => Ok(skyloom_broker_adapters::nats::guarantees(&url).map(drop)?),
        #[cfg(feature = "redis")]
        (Network::Redis, url) => Ok(skyloom_broker_adapters::redis::guarantees(&url).map(drop)?),
        #[cfg(feature = "amqp")]
        (Network::Amqp, url) => Ok(skyloom_broker_adapters::amqp::guarantees(&url).map(drop)?),
        #[cfg(feature = "beanstalk")]
        (Network::Beanstalk, url) => Ok(skyloom_broker_adapters::beanstalk::guarantees(&url).map(drop)?),
        #[allow(unreachable_patterns)] // With all four features there is nothing left.
        _ => Ok(()),
    }
}

/// The broker that a URL names.
pub(super) async fn broker(kind: Network, url: &str, patience: Duration) -> Result<Arc<dyn Broker>, ConnectError> {
    match (kind, url.parse::<BrokerUrl>()?, patience) {
        #[cfg(feature = "nats")]
        (Network::Nats, url, patience) => {
            Ok(Arc::new(skyloom_broker_adapters::nats::NatsBroker::connect(&url, patience).await?))
        }
        #[cfg(feature = "redis")]
        (Network::Redis, url, patience) => {
            Ok(Arc::new(skyloom_broker_adapters::redis::RedisBroker::connect(&url, patience).await?))
        }
        #[cfg(feature = "amqp")]
        (Network::Amqp, url, patience) => {
            Ok(Arc::new(skyloom_broker_adapters::amqp::AmqpBroker::connect(&url, patience).await?))
        }
        #[cfg(feature = "beanstalk")]
        (Network::Beanstalk, url, patience) => {
            Ok(Arc::new(skyloom_broker_adapters::beanstalk::BeanstalkBroker::connect(&url, patience).await?))
        }
        #[allow(unreachable_patterns)] // With all four features there is nothing left.
        (other, ..) => Err(ConnectError::NotBuilt { feature: other.feature() }),
    }
}

/// The registry that a URL names.
pub(super) async fn registry(kind: Network, url: &str, patience: Duration) -> Result<Arc<dyn Registry>, ConnectError> {
    match (kind, url.parse::<BrokerUrl>()?, patience) {
        #[cfg(feature = "nats")]
        (Network::Nats, url, patience) => {
            Ok(Arc::new(skyloom_service_registry::nats::NatsRegistry::connect(&url, patience).await?))
        }
        #[cfg(feature = "redis")]
        (Network::Redis, url, patience) => {
            Ok(Arc::new(skyloom_service_registry::redis::RedisRegistry::connect(&url, patience).await?))
        }
        (Network::Amqp | Network::Beanstalk, ..) => Err(ConnectError::NoRegistry { feature: kind.feature() }),
        #[allow(unreachable_patterns)] // With both features there is nothing left.
        (other, ..) => Err(ConnectError::NotBuilt { feature: other.feature() }),
    }
}
