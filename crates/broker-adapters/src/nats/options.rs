//! [`NatsOptions`]: what the URL of a NATS server says.

use std::{path::PathBuf, time::Duration};

use crate::remote::{BrokerUrl, QueueLimits, UrlError};

/// The longest time for which the server leaves work with a worker of which it hears nothing. A worker that
/// holds work longer says so again and again; one that is dead loses it by then.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// NATS's own limit.
const MOST_REPLICAS: usize = 5;

/// The shortest that a server keeps reliably.
const SHORTEST_ACK_WAIT: Duration = Duration::from_millis(50);

/// By how much an AckWait is longer than its lease, at least.
const MARGIN: Duration = Duration::from_millis(25);

/// How many quick calls share a message, if the URL says nothing.
const BUNDLE: usize = 64;

/// All options of the URL besides those of [`QueueLimits`].
const OPTIONS: [&str; 11] =
    ["mode", "bundle", "storage", "replicas", "ack_wait", "tls", "ca", "cert", "key", "creds", "nkey"];

/// How to use a NATS server.
#[derive(Clone)]
pub(super) struct NatsOptions {
    pub(super) limits: QueueLimits,
    /// Whether the limit of bytes was asked for; otherwise a server that has not so much room may have less.
    pub(super) bytes_asked: bool,
    /// Queue groups of core NATS instead of JetStream.
    pub(super) core: bool,
    /// How many quick calls may share a message of core NATS.
    pub(super) bundle: usize,
    /// `file` or `memory`.
    pub(super) storage: &'static str,
    pub(super) replicas: usize,
    /// Upper bound of a consumer's AckWait.
    pub(super) ack_wait: Duration,
    pub(super) tls: bool,
    pub(super) ca: Option<PathBuf>,
    /// A client's certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    pub(super) login: Login,
}

/// How to say who we are.
#[derive(Clone)]
pub(super) enum Login {
    Nobody,
    Token(String),
    User(String, String),
    /// The path of a credentials file.
    Credentials(PathBuf),
    /// The path of a file with the seed of an nkey.
    Nkey(PathBuf),
}

impl NatsOptions {
    pub(super) fn of(url: &BrokerUrl) -> Result<Self, UrlError> {
        let known: Vec<&str> = OPTIONS.iter().chain(&QueueLimits::OPTIONS).copied().collect();
        url.check_options(&known)?;
        if url.path().is_some_and(|path| !path.is_empty()) {
            let path = url.path().unwrap_or_default();
            return Err(UrlError::Unfit(format!("a NATS URL has no path, and this one has /{path}; use ?prefix=")));
        }
        let tls = match (url.scheme(), url.option("tls")) {
            ("nats", None) => false,
            ("nats" | "tls", None | Some("" | "true")) => true,
            ("nats", Some("false")) => false,
            ("nats" | "tls", _) => {
                return Err(UrlError::Unfit("option tls is true or false; with tls:// it is always true".to_owned()));
            }
            (other, _) => {
                return Err(UrlError::Unfit(format!("{other}:// is not NATS; write nats:// or tls://")));
            }
        };
        let identity = match (url.file("cert"), url.file("key")) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(UrlError::Unfit("a client's certificate needs both ?cert= and ?key=".to_owned())),
        };
        let login = match (url.user(), url.password(), url.file("creds"), url.file("nkey")) {
            (None, None, None, None) => Login::Nobody,
            (Some(token), None, None, None) => Login::Token(token.to_owned()),
            (user, Some(password), None, None) => Login::User(user.unwrap_or_default().to_owned(), password.to_owned()),
            (None, None, Some(file), None) => Login::Credentials(file),
            (None, None, None, Some(file)) => Login::Nkey(file),
            _ => {
                let message = "give one way to authenticate: user:password@, token@, ?creds= or ?nkey=";
                return Err(UrlError::Unfit(message.to_owned()));
            }
        };
        Ok(Self {
            limits: QueueLimits::of(url)?,
            bytes_asked: url.option("queue_bytes").is_some(),
            core: url.word("mode", &["jetstream", "core"])? == "core",
            bundle: url.count("bundle")?.unwrap_or(BUNDLE),
            storage: url.word("storage", &["file", "memory"])?,
            replicas: replicas(url)?,
            ack_wait: url.time("ack_wait")?.unwrap_or(ACK_WAIT).max(SHORTEST_ACK_WAIT),
            tls,
            ca: url.file("ca"),
            identity,
            login,
        })
    }

    /// The AckWait of a consumer whose leases last this long: a little longer, so that the server never gives
    /// work to another that its worker still takes for its own.
    pub(super) fn ack_wait_for(&self, lease: Duration) -> Duration {
        (lease + (lease / 8).max(MARGIN)).clamp(SHORTEST_ACK_WAIT, self.ack_wait)
    }
}

fn replicas(url: &BrokerUrl) -> Result<usize, UrlError> {
    match url.count("replicas")?.unwrap_or(1) {
        number if number <= MOST_REPLICAS => Ok(number),
        number => Err(UrlError::Value {
            key: "replicas".to_owned(),
            value: number.to_string(),
            expected: format!("from 1 to {MOST_REPLICAS}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<NatsOptions, UrlError> {
        NatsOptions::of(&url.parse().unwrap())
    }

    #[test]
    fn a_url_says_how() {
        let plain = options("nats://a").unwrap();
        assert!(!plain.core && !plain.tls && plain.storage == "file" && plain.replicas == 1);
        let full = options("tls://ada:secret@a,b:1?mode=core&storage=memory&replicas=3&ack_wait=2s&ca=/x").unwrap();
        assert!(full.core && full.tls && full.storage == "memory" && full.replicas == 3);
        assert_eq!(full.ack_wait_for(Duration::from_secs(30)), Duration::from_secs(2));
        assert!(matches!(full.login, Login::User(user, password) if user == "ada" && password == "secret"));
        assert!(matches!(options("nats://t0ken@a").unwrap().login, Login::Token(_)));
    }

    #[test]
    fn a_mistake_is_named() {
        let cases = [
            ("nats://a?storge=file", "storage"),
            ("nats://a/x", "/x"),
            ("nats://a?tls=maybe", "tls"),
            ("nats://a?cert=/c", "?key="),
            ("nats://u@a?creds=/c", "one way"),
            ("nats://a?mode=fast", "jetstream, core"),
            ("nats://a?replicas=9", "from 1 to 5"),
        ];
        for (url, expected) in cases {
            let error = options(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "{url}: {error}");
        }
    }
}
