//! Why a gateway cannot serve.

use std::{io, net::SocketAddr};

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
}
