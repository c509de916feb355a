//! What each broker guarantees that this program was built with.

use skyloom_broker::door::Address;
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::broker::{Broker as _, Capabilities};

use super::Connection;

/// What each broker guarantees that this program was built with, with the options that they have by default
/// and those that change it, without asking any server.
#[must_use]
pub fn guarantees() -> Vec<Capabilities> {
    let (local, _) = LocalBroker::connect(Address::default(), LocalOptions::default());
    let embedded = [Connection::memory().broker.capabilities(), local.capabilities()];
    embedded.into_iter().chain(network()).collect()
}

/// An adapter's answer for a URL.
#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
type Of = fn(&BrokerUrl) -> Result<Capabilities, UrlError>;

#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
use skyloom_broker_adapters::remote::{BrokerUrl, UrlError};

#[cfg(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk"))]
fn network() -> impl Iterator<Item = Capabilities> {
    let adapters: &[(Of, &str)] = &[
        #[cfg(feature = "nats")]
        (skyloom_broker_adapters::nats::guarantees, "nats://localhost"),
        #[cfg(feature = "nats")]
        (skyloom_broker_adapters::nats::guarantees, "nats://localhost?mode=core"),
        #[cfg(feature = "redis")]
        (skyloom_broker_adapters::redis::guarantees, "redis://localhost"),
        #[cfg(feature = "redis")]
        (skyloom_broker_adapters::redis::guarantees, "redis+cluster://localhost"),
        #[cfg(feature = "amqp")]
        (skyloom_broker_adapters::amqp::guarantees, "amqp://localhost"),
        #[cfg(feature = "amqp")]
        (skyloom_broker_adapters::amqp::guarantees, "amqp://localhost?queue=quorum"),
        #[cfg(feature = "beanstalk")]
        (skyloom_broker_adapters::beanstalk::guarantees, "beanstalk://localhost"),
    ];
    adapters.iter().filter_map(|(of, url)| of(&url.parse().ok()?).ok())
}

#[cfg(not(any(feature = "nats", feature = "redis", feature = "amqp", feature = "beanstalk")))]
fn network() -> impl Iterator<Item = Capabilities> {
    std::iter::empty()
}
