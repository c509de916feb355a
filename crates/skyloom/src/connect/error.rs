//! [`ConnectError`].

use skyloom_broker::door::AddressError;
use skyloom_broker_adapters::remote::{OpenError, UrlError};
use skyloom_core::{Status, broker::BrokerError};

/// Why a process has no broker, or no registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no broker.
    #[error(
        "{url:?} names no broker: use local:, unix:/path/to/socket, tcp://127.0.0.1:PORT, memory:, nats://HOST, \
         redis://HOST, amqp://HOST or beanstalk://HOST"
    )]
    Unknown {
        /// The URL, without what may be a password.
        url: String,
    },
    /// This program was built without the adapter for that broker.
    #[error("this program was built without {feature}: build it with the feature {feature:?} of the skyloom crate")]
    NotBuilt {
        /// The feature that is missing.
        feature: &'static str,
    },
    /// The broker keeps no registry.
    #[error(
        "{feature} keeps no registry of instances: name a broker that does with --registry, such as redis://HOST, nats://HOST or local:"
    )]
    NoRegistry {
        /// The broker's feature.
        feature: &'static str,
    },
    /// The address is malformed or not allowed.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A URL of a broker on the network is malformed.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Nobody answers there.
    #[error("no broker at {address}: {}", why(address, reason, "--broker"))]
    Absent {
        /// Where.
        address: String,
        /// Why.
        reason: BrokerError,
    },
    /// Nobody answers where a registry of its own is to be.
    #[error("no registry at {address}: {}", why(address, reason, "--registry"))]
    NoRegistryThere {
        /// Where.
        address: String,
        /// Why.
        reason: BrokerError,
    },
    /// Somebody answers there who cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// The reason without what has been said, that it is not available and where, and with what to do: the `flag` names
/// another.
fn why(address: &str, error: &BrokerError, flag: &str) -> String {
    let reason = match error {
        BrokerError::Unavailable { reason } => reason.replacen(&format!(" at {address}"), " there", 1),
        other => other.to_string(),
    };
    let reason = reason.strip_prefix(address).map_or_else(|| reason.clone(), |rest| format!("it{rest}"));
    // The embedded broker's says how it is started.
    let advice = if reason.contains("; ") { ", or" } else { "; start it, or" };
    format!("{reason}{advice} name another with {flag}")
}

impl ConnectError {
    /// Whether it may go away by itself, so that trying again makes sense.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::NoRegistryThere { .. })
    }

    /// The same of a registry that is not the broker's own.
    pub(super) fn of_registry(self) -> Self {
        match self {
            Self::Absent { address, reason } => Self::NoRegistryThere { address, reason },
            other => other,
        }
    }
}

impl From<OpenError> for ConnectError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Absent { address, reason } => Self::Absent { address, reason: BrokerError::unavailable(reason) },
            OpenError::Url(error) => Self::Url(error),
            other => Self::Unusable(other.to_string()),
        }
    }
}

impl From<ConnectError> for Status {
    fn from(error: ConnectError) -> Self {
        let sentence = error.to_string();
        if error.is_temporary() { Self::unavailable(sentence) } else { Self::failed_precondition(sentence) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_broker_is_is_said_once_with_what_to_do() {
        let said = |address: &str, reason: &str| {
            let error = ConnectError::Absent { address: address.to_owned(), reason: BrokerError::unavailable(reason) };
            error.to_string()
        };
        assert_eq!(
            said("unix:/x", "nobody listens at unix:/x; start one with `sky up` or `sky broker`"),
            "no broker at unix:/x: nobody listens there; start one with `sky up` or `sky broker`, or name another with \
             --broker"
        );
        assert_eq!(
            said("nats://h", "IO error: Connection refused (os error 111)"),
            "no broker at nats://h: IO error: Connection refused (os error 111); start it, or name another with --broker"
        );
        assert_eq!(
            said("unix:/x", "unix:/x is no broker: it says GIF89a"),
            "no broker at unix:/x: it is no broker: it says GIF89a; start it, or name another with --broker"
        );
    }
}
