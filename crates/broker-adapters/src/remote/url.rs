//! [`BrokerUrl`]: the name of a broker on the network, with its options.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;

use super::suggest::nearest;

/// `scheme://[user[:password]@]host[:port][,host[:port]...][/path][?key=value&...]`.
///
/// Its `Display` and `Debug` leave out the password, so that it may be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    scheme: String,
    user: Option<String>,
    password: Option<String>,
    hosts: Vec<String>,
    path: Option<String>,
    options: BTreeMap<String, String>,
}

/// The schemes whose login is a token if it has no password: NATS's.
const TOKENS: [&str; 2] = ["nats", "tls"];

/// Why a login was not found that seems to be there.
const CUT: UrlError = UrlError::Form("a / in a password is written %2F, a ? %3F, and an @ in a path %40");

/// Text that names no broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It has not the form of a URL.
    #[error(
        "the broker's URL is not of the form scheme://[user:password@]host[:port][,host...][/path][?key=value]: {0}"
    )]
    Form(&'static str),
    /// A port that is none.
    #[error("{0:?} in the broker's URL has a port that is no number from 1 to 65535")]
    Port(String),
    /// An option that this broker does not have.
    #[error("the broker's URL has an unknown option {key:?}{}; there are: {known}", suggestion.as_ref().map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default())]
    Option {
        /// The option.
        key: String,
        /// What it may have been meant to be.
        suggestion: Option<String>,
        /// All that there are.
        known: String,
    },
    /// An option's value that makes no sense.
    #[error("option {key} of the broker's URL is {value:?}, which is not {expected}")]
    Value {
        /// The option.
        key: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// Something about the URL that this broker cannot use.
    #[error("{0}")]
    Unfit(String),
}

impl BrokerUrl {
    /// The scheme, such as `nats`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The user's name, if there is one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password, if there is one.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The hosts with their ports, each as `host:port`; none for a Unix socket.
    #[must_use]
    pub fn hosts_with_port(&self, default: u16) -> Vec<String> {
        let with_port = |host: &String| match port_of(host) {
            Some(_) => host.clone(),
            None => format!("{host}:{default}"),
        };
        self.hosts.iter().map(with_port).collect()
    }

    /// What follows the host, percent-decoded and without its first slash; for a URL without a host
    /// the path of a socket, with its first slash.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The value of an option, percent-decoded.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }

    /// Checks that there are no other options than these.
    ///
    /// # Errors
    /// [`UrlError::Option`] with the nearest known one.
    pub fn check_options(&self, known: &[&str]) -> Result<(), UrlError> {
        let Some(key) = self.options.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let suggestion = nearest(key, known.iter().copied()).map(str::to_owned);
        Err(UrlError::Option { key: key.clone(), suggestion, known: known.join(", ") })
    }

    /// An option that is one of these words; the first is the default.
    ///
    /// # Errors
    /// [`UrlError::Value`] if it is another.
    pub fn word<'a>(&self, key: &str, words: &[&'a str]) -> Result<&'a str, UrlError> {
        let Some(value) = self.option(key) else { return Ok(words.first().copied().unwrap_or_default()) };
        let known = words.iter().find(|word| **word == value).copied();
        known.ok_or_else(|| self.bad(key, format!("one of {}", words.join(", "))))
    }

    /// An option that is a whole number of at least 1.
    ///
    /// # Errors
    /// [`UrlError::Value`] if it is none.
    pub fn count(&self, key: &str) -> Result<Option<usize>, UrlError> {
        let read = |text: &str| text.parse().ok().filter(|number| *number > 0);
        self.option(key).map(|text| read(text).ok_or_else(|| self.bad(key, "a whole number of at least 1"))).transpose()
    }

    /// An option that is a time such as `500ms`, `2s` or `5m`.
    ///
    /// # Errors
    /// [`UrlError::Value`] if it is none.
    pub fn time(&self, key: &str) -> Result<Option<Duration>, UrlError> {
        let read = |text: &str| {
            let digits = text.find(|c: char| !c.is_ascii_digit())?;
            let (number, unit) = text.split_at_checked(digits)?;
            let number: u64 = number.parse().ok()?;
            match unit {
                "ms" => Some(Duration::from_millis(number)),
                "s" => Some(Duration::from_secs(number)),
                "m" => number.checked_mul(60).map(Duration::from_secs),
                _ => None,
            }
        };
        self.option(key)
            .map(|text| read(text).ok_or_else(|| self.bad(key, "a time such as 500ms, 2s or 5m")))
            .transpose()
    }

    /// An option that is the path of a file.
    #[must_use]
    pub fn file(&self, key: &str) -> Option<PathBuf> {
        self.option(key).map(PathBuf::from)
    }

    fn bad(&self, key: &str, expected: impl Into<String>) -> UrlError {
        let value = self.option(key).unwrap_or_default().to_owned();
        UrlError::Value { key: key.to_owned(), value, expected: expected.into() }
    }
}

/// The port of `host:port`; an IPv6 address is in brackets.
fn port_of(host: &str) -> Option<&str> {
    let (before, port) = host.rsplit_once(':')?;
    (!before.starts_with('[') || before.ends_with(']')).then_some(port)
}

fn decoded(text: &str) -> Result<String, UrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| UrlError::Form("it is not UTF-8 once percent-decoded"))
}

impl FromStr for BrokerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, whole) = text.split_once("://").ok_or(UrlError::Form("there is no ://"))?;
        if scheme.is_empty() {
            return Err(UrlError::Form("the scheme is missing"));
        }
        let (rest, query) = whole.split_once('?').unwrap_or((whole, ""));
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let (login, hosts) =
            authority.rsplit_once('@').map_or((None, authority), |(login, hosts)| (Some(login), hosts));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, "")) => (Some(decoded(user)?), None),
            Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
            None => (None, None),
        };
        let hosts: Vec<String> = hosts.split(',').filter(|host| !host.is_empty()).map(str::to_owned).collect();
        for host in &hosts {
            if port_of(host).is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
                // What looks like a port may be the beginning of a password.
                let is_cut = login.is_none() && whole.contains('@');
                return Err(if is_cut { CUT } else { UrlError::Port(host.clone()) });
            }
        }
        if login.is_none() && !hosts.is_empty() && path.contains('@') {
            // So may a port that is one, and the rest of the password is not to be shown as a path.
            return Err(CUT);
        }
        let path = match (hosts.is_empty(), path) {
            (true, "" | "/") => return Err(UrlError::Form("the host is missing")),
            (true, path) => Some(decoded(path)?),
            (false, "") => None,
            (false, path) => Some(decoded(path.strip_prefix('/').unwrap_or(path))?),
        };
        let mut options = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or(UrlError::Form("an option has no value"))?;
            options.insert(decoded(key)?, decoded(value)?);
        }
        let user = user.filter(|user| !user.is_empty());
        Ok(Self { scheme: scheme.to_owned(), user, password, hosts, path, options })
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match (&self.user, &self.password) {
            (Some(user), Some(_)) => write!(f, "{user}:***@")?,
            (Some(_), None) if TOKENS.contains(&self.scheme.as_str()) => f.write_str("***@")?,
            (Some(user), None) => write!(f, "{user}@")?,
            (None, Some(_)) => write!(f, ":***@")?,
            (None, None) => {}
        }
        f.write_str(&self.hosts.join(","))?;
        match &self.path {
            Some(path) if self.hosts.is_empty() => f.write_str(path),
            // As it is written: RabbitMQ's virtual host is often a / itself.
            Some(path) if !path.is_empty() => write!(f, "/{}", path.replace('/', "%2f")),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BrokerUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_url_has_its_parts() {
        let full = url("amqp://guest:s%40cret@a:1,b,[::1]:5/%2f?lease=2s&max=7&ca=/etc/ca.pem");
        assert_eq!((full.scheme(), full.user(), full.password()), ("amqp", Some("guest"), Some("s@cret")));
        assert_eq!(full.hosts_with_port(5672), ["a:1", "b:5672", "[::1]:5"]);
        assert_eq!(full.path(), Some("/"));
        assert_eq!(full.time("lease"), Ok(Some(Duration::from_secs(2))));
        assert_eq!(full.count("max"), Ok(Some(7)));
        assert_eq!(full.file("ca"), Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(url("redis+unix:///run/redis.sock").path(), Some("/run/redis.sock"));
        assert_eq!(url("redis://:secret@a").password(), Some("secret"));
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{0} {0:?}", url("nats://ada:secret@a:4222?mode=core"));
        assert_eq!(shown, "nats://ada:***@a:4222 BrokerUrl(nats://ada:***@a:4222)");
        assert_eq!(url("nats://token@a").to_string(), "nats://***@a");
        assert_eq!(url("redis://ada@a").to_string(), "redis://ada@a");
        for text in ["nats://ada:se/cret@a", "nats://ada:se?cret@a", "redis://ada:17/cret@a"] {
            let sentence = text.parse::<BrokerUrl>().unwrap_err().to_string();
            assert!(sentence.contains("a / in a password is written %2F, a ? %3F"), "{sentence}");
            assert!(!sentence.contains("cret"), "{sentence}");
        }
    }

    #[test]
    fn what_is_shown_can_be_used() {
        for text in ["amqp://a:1/%2f", "amqp://a/shop", "redis://a/1", "redis+unix:///run/redis.sock", "nats://a,b:2"] {
            assert_eq!(url(text).to_string(), text);
        }
    }

    #[test]
    fn a_mistake_is_named() {
        let error = |text: &str| text.parse::<BrokerUrl>().unwrap_err().to_string();
        assert!(error("nats:4222").contains("there is no ://"));
        assert!(error("nats://").contains("the host is missing"));
        assert!(error("nats://a:99999").contains("\"a:99999\""));
        let typo = url("nats://a?mdoe=core").check_options(&["mode", "storage"]).unwrap_err().to_string();
        assert!(typo.contains("did you mean \"mode\"") && typo.contains("mode, storage"), "{typo}");
        let word = url("nats://a?mode=fast").word("mode", &["jetstream", "core"]).unwrap_err().to_string();
        assert!(word.contains("\"fast\"") && word.contains("jetstream, core"), "{word}");
        assert!(url("nats://a?lease=2").time("lease").is_err());
        assert!(url("nats://a?max=0").count("max").is_err());
    }
}
