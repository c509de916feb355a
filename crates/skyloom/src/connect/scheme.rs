//! What kind of broker a URL names.

use super::ConnectError;

/// What kind of broker a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// One of this process's own.
    Memory,
    /// The embedded broker in another process of this host.
    Embedded,
    /// A broker on the network, by the feature that it needs.
    Network(Network),
}

/// A broker on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Nats,
    Redis,
    Amqp,
    Beanstalk,
}

impl Network {
    /// The feature of this crate that has it.
    pub(super) const fn feature(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::Amqp => "amqp",
            Self::Beanstalk => "beanstalk",
        }
    }
}

impl Scheme {
    /// The kind of this URL.
    ///
    /// # Errors
    /// [`ConnectError::Unknown`] if there is none of that name.
    pub(super) fn of(url: &str) -> Result<Self, ConnectError> {
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        Ok(match scheme {
            "memory" => Self::Memory,
            "local" | "unix" | "tcp" => Self::Embedded,
            "nats" | "tls" => Self::Network(Network::Nats),
            "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+unix" => Self::Network(Network::Redis),
            "amqp" | "amqps" => Self::Network(Network::Amqp),
            "beanstalk" | "beanstalk+unix" => Self::Network(Network::Beanstalk),
            // What follows may be a password.
            _ if url.contains("://") => return Err(ConnectError::Unknown { url: format!("{scheme}://...") }),
            _ => {
                let shown = url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, host)| format!("...@{host}"));
                return Err(ConnectError::Unknown { url: shown });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_kind_and_a_mistake_does_not_show_a_password() {
        assert_eq!(Scheme::of("unix:/x").unwrap(), Scheme::Embedded);
        assert_eq!(Scheme::of("rediss://a").unwrap(), Scheme::Network(Network::Redis));
        let error = Scheme::of("natz://ada:secret@a").unwrap_err().to_string();
        assert!(error.contains("natz://...") && !error.contains("secret"), "{error}");
        for text in ["ada:secret@a", "nats//ada:secret@a"] {
            let error = Scheme::of(text).unwrap_err().to_string();
            assert!(error.starts_with("\"...@a\" names no broker"), "{error}");
        }
    }
}
