//! Why a gateway cannot serve.

use std::{io, net::SocketAddr};

use skyloom::{Status, system::why};

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
    #[error("cannot listen on {address}: {}", why(source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The socket that a supervisor has handed over cannot be used.
    #[error("the socket that the supervisor has handed over (LISTEN_FDS) cannot be used: {}", why(.0))]
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::GatewayError;

    #[test]
    fn an_address_that_cannot_be_listened_to_is_told_in_words() {
        let listen = |number| {
            let source = io::Error::from_raw_os_error(number);
            GatewayError::Listen { address: "127.0.0.1:80".parse().unwrap(), source }.to_string()
        };
        assert_eq!(listen(13), "cannot listen on 127.0.0.1:80: this user may not");
        assert_eq!(listen(99), "cannot listen on 127.0.0.1:80: this host has no such address");
    }
}
