//! [`OpenError`].

use super::UrlError;

/// Why there is no connection to a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL makes no sense to this adapter.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Nobody answers there; it may be there later.
    #[error("no broker at {address}: {reason}")]
    Absent {
        /// Where, without the password.
        address: String,
        /// Why.
        reason: String,
    },
    /// Somebody answers, and refuses or is not what was expected: a wrong password, a missing permission,
    /// another protocol, TLS expected or not. Waiting does not help.
    #[error("the broker at {address} cannot be used: {reason}")]
    Unusable {
        /// Where, without the password.
        address: String,
        /// Why, and what to do.
        reason: String,
    },
}
