//! [`Options`]: what a URL says about a Redis and its use.

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use ::redis::{ClientTlsConfig, ConnectionAddr, TlsCertificates};

use crate::remote::{BrokerUrl, QueueLimits, UrlError, check_certificates};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Address {
    /// The address that `host:port` names.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        Some(Self::Tcp(host.to_owned(), port.parse().ok()?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What a URL says about a Redis and its use.
#[derive(Clone)]
pub(super) struct Options {
    /// The server, or some of a cluster's.
    pub(super) addresses: Vec<Address>,
    pub(super) cluster: bool,
    pub(super) tls: bool,
    pub(super) certificates: TlsCertificates,
    /// What they were read to; done once, for the host's own authorities are many.
    pub(super) tls_parameters: Arc<OnceLock<ConnectionAddr>>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
    pub(super) limits: QueueLimits,
    /// How many quick calls may share an entry.
    pub(super) bundle: usize,
    /// The URL without its password.
    pub(super) shown: String,
}

const PORT: u16 = 6379;

/// How many quick calls share an entry if the URL says nothing, and at most.
const BUNDLE: usize = 64;
const MOST: usize = 1_000;

impl Options {
    /// Reads a URL.
    pub(super) fn of(url: &BrokerUrl) -> Result<Self, UrlError> {
        let [prefix, messages, bytes, largest] = QueueLimits::OPTIONS;
        url.check_options(&[prefix, messages, bytes, largest, "bundle", "ca", "cert", "key"])?;
        let (tls, cluster) = match url.scheme() {
            "redis" | "redis+unix" => (false, false),
            "rediss" => (true, false),
            "redis+cluster" => (false, true),
            "rediss+cluster" => (true, true),
            other => {
                let schemes = "redis://, rediss://, redis+cluster://, rediss+cluster:// and redis+unix:///path";
                return Err(UrlError::Unfit(format!("{other}:// names no Redis; there are {schemes}")));
            }
        };
        let addresses = addresses(url)?;
        if !cluster && addresses.len() > 1 {
            let message = "redis:// names one server; the nodes of a cluster are named by redis+cluster://a,b,c";
            return Err(UrlError::Unfit(message.to_owned()));
        }
        if url.user().is_some() && url.password().is_none() {
            let message = "the Redis URL has a user without a password; write user:password@, or :password@";
            return Err(UrlError::Unfit(message.to_owned()));
        }
        Ok(Self {
            database: database(url, &addresses, cluster)?,
            certificates: certificates(url, tls)?,
            tls_parameters: Arc::default(),
            addresses,
            cluster,
            tls,
            user: url.user().map(str::to_owned),
            password: url.password().map(str::to_owned),
            limits: QueueLimits::of(url)?,
            bundle: url.count("bundle")?.unwrap_or(BUNDLE).clamp(1, MOST),
            shown: url.to_string(),
        })
    }

    /// Whether the server is reached through a socket of this host.
    #[cfg(test)]
    fn is_unix(&self) -> bool {
        matches!(self.addresses.first(), Some(Address::Unix(_)))
    }
}

fn addresses(url: &BrokerUrl) -> Result<Vec<Address>, UrlError> {
    let hosts = url.hosts_with_port(PORT);
    match (url.scheme() == "redis+unix", hosts.is_empty()) {
        (true, true) => Ok(vec![Address::Unix(PathBuf::from(url.path().unwrap_or_default()))]),
        (true, false) => {
            let message = "redis+unix:// names a socket and no host: write redis+unix:///run/redis/redis.sock";
            Err(UrlError::Unfit(message.to_owned()))
        }
        (false, true) => Err(UrlError::Unfit("the Redis URL has no host; a socket is redis+unix:///path".to_owned())),
        (false, false) => Ok(hosts.iter().filter_map(|host| Address::of(host)).collect()),
    }
}

fn database(url: &BrokerUrl, addresses: &[Address], cluster: bool) -> Result<i64, UrlError> {
    let text = match addresses.first() {
        Some(Address::Unix(_)) => "",
        _ => url.path().unwrap_or_default(),
    };
    let number = if text.is_empty() { Some(0) } else { text.parse().ok().filter(|number| *number >= 0) };
    let unfit = |message: String| Err(UrlError::Unfit(message));
    match number {
        None => unfit(format!("{text:?} in the Redis URL is no number of a database, such as redis://host/1")),
        Some(number) if number > 0 && cluster => unfit("a Redis Cluster has no databases but 0".to_owned()),
        Some(number) => Ok(number),
    }
}

fn certificates(url: &BrokerUrl, tls: bool) -> Result<TlsCertificates, UrlError> {
    let read = |key: &str| {
        let Some(path) = url.file(key) else { return Ok(None) };
        if !tls {
            let message = format!("option {key} of the Redis URL is for TLS; the scheme must be rediss:// then");
            return Err(UrlError::Unfit(message));
        }
        let unreadable = |error: std::io::Error| UrlError::Unfit(format!("{} cannot be read: {error}", path.display()));
        let bytes = fs::read(&path).map_err(unreadable)?;
        if key != "key" {
            check_certificates(&path, &bytes).map_err(UrlError::Unfit)?;
        }
        Ok(Some(bytes))
    };
    let (root_cert, cert, key) = (read("ca")?, read("cert")?, read("key")?);
    let client_tls = match (cert, key) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => return Err(UrlError::Unfit("options cert and key of the Redis URL belong together".to_owned())),
    };
    Ok(TlsCertificates { client_tls, root_cert })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Result<Options, UrlError> {
        Options::of(&text.parse().unwrap())
    }

    #[test]
    fn each_form_of_a_url_is_understood() {
        let plain = options("redis://ada:secret@a:7/3?queue_messages=9").unwrap();
        assert_eq!((plain.addresses, plain.database), (vec![Address::Tcp("a".to_owned(), 7)], 3));
        assert_eq!((plain.user.as_deref(), plain.limits.messages), (Some("ada"), 9));
        assert!(!plain.shown.contains("secret"));
        let cluster = options("rediss+cluster://a,[::1]:8").unwrap();
        assert_eq!(cluster.addresses, [Address::Tcp("a".to_owned(), 6379), Address::Tcp("::1".to_owned(), 8)]);
        assert!(cluster.cluster && cluster.tls);
        let unix = options("redis+unix:///run/redis.sock").unwrap();
        assert!(unix.is_unix() && unix.database == 0);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let error = |text: &str| options(text).err().unwrap().to_string();
        assert!(error("redis://a,b").contains("redis+cluster://"));
        assert!(error("redis://a/x").contains("\"x\""));
        assert!(error("redis+cluster://a/1").contains("databases"));
        assert!(error("redis://ada@a").contains("without a password"));
        assert!(error("redis://a?prefx=b").contains("did you mean \"prefix\""));
        assert!(error("redis://a?ca=/x").contains("rediss://"));
        assert!(error("rediss://a?ca=/nowhere/x").contains("/nowhere/x"));
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert!(error(&format!("rediss://a?ca={manifest}")).ends_with("Cargo.toml has no certificate in it"));
        assert!(error("redis+unix://a/x").contains("names a socket"));
        assert!(error("http://a").contains("names no Redis"));
    }
}
