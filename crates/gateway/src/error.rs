//! Why a gateway cannot serve.

use std::{io, net::SocketAddr};

use skyloom::Status;

/// Why a gateway cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Another program listens at the address.
    #[error(
        "port {} of {} is taken: stop what listens there or choose another with --port",
        address.port(),
        address.ip()
    )]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// The address can be reached from other hosts.
    #[error(
        "{address} can be reached from other hosts, which needs TLS and authentication, and this version has neither: \
         listen on 127.0.0.1 or [::1] and put a proxy with TLS in front of it"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The operating system refuses the address for another reason.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The socket that a supervisor has handed over cannot be used.
    #[error("the socket that the supervisor has handed over (LISTEN_FDS) cannot be used: {0}")]
    Inherited(io::Error),
}

impl GatewayError {
    /// Whether it may go away by itself, so that trying again makes sense.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Taken { .. })
    }
}

impl From<GatewayError> for Status {
    fn from(error: GatewayError) -> Self {
        let sentence = error.to_string();
        if error.is_temporary() { Self::unavailable(sentence) } else { Self::failed_precondition(sentence) }
    }
}
