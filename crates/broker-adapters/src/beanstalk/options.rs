//! What a URL says.

use std::{fmt, path::PathBuf, time::Duration};

use super::names::Names;
use crate::remote::{BrokerUrl, QueueLimits, UrlError};

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp(String),
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// What a URL says.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) place: Place,
    pub(super) names: Names,
    pub(super) limits: QueueLimits,
    /// How long the server waits for a worker that has fallen silent.
    pub(super) ttr: u32,
    /// How many calls may travel in one job.
    pub(super) bundle: usize,
    /// How often is looked for what was left behind.
    pub(super) sweep: Duration,
}

/// The port that beanstalkd has by default.
const PORT: u16 = 11_300;

/// beanstalkd has whole seconds, and warns a second before the end.
const SHORTEST_TTR: Duration = Duration::from_secs(3);

const KNOWN: [&str; 7] = ["prefix", "queue_messages", "queue_bytes", "max_message", "ttr", "bundle", "sweep"];

impl Options {
    pub(super) fn of(url: &BrokerUrl) -> Result<Self, UrlError> {
        url.check_options(&KNOWN)?;
        if url.option("queue_bytes").is_some() {
            let unfit = "beanstalkd does not tell how many bytes a queue holds, so that queue_bytes cannot be kept; \
                leave it out, and use queue_messages";
            return Err(UrlError::Unfit(unfit.to_owned()));
        }
        if url.user().is_some() || url.password().is_some() {
            let unfit = "beanstalkd has neither users nor passwords; leave them out of the URL, and guard its port";
            return Err(UrlError::Unfit(unfit.to_owned()));
        }
        let ttr = url.time("ttr")?.unwrap_or(Duration::from_secs(30));
        if ttr < SHORTEST_TTR || ttr > Duration::from_secs(86_400) {
            let (value, expected) = (url.option("ttr").unwrap_or_default().to_owned(), "from 3s to 1440m".to_owned());
            return Err(UrlError::Value { key: "ttr".to_owned(), value, expected });
        }
        let limits = QueueLimits::of(url)?;
        if limits.prefix.starts_with('-') {
            let expected = "a name that begins with a letter or a digit".to_owned();
            return Err(UrlError::Value { key: "prefix".to_owned(), value: limits.prefix, expected });
        }
        let names = Names::new(&limits.prefix);
        let bundle = url.count("bundle")?.unwrap_or(64);
        let sweep = url.time("sweep")?.unwrap_or(Duration::from_secs(10)).max(Duration::from_millis(100));
        Ok(Self { place: place(url)?, names, limits, ttr: super::codec::whole_seconds(ttr), bundle, sweep })
    }
}

fn place(url: &BrokerUrl) -> Result<Place, UrlError> {
    match (url.scheme(), url.hosts_with_port(PORT).as_slice(), url.path()) {
        ("beanstalk", [host], None | Some("")) => Ok(Place::Tcp(host.clone())),
        ("beanstalk+unix", [], Some(path)) => Ok(Place::Unix(PathBuf::from(path))),
        ("beanstalk", [_, _, ..], _) => {
            Err(UrlError::Unfit("beanstalkd has no clusters; name one host in the broker's URL".to_owned()))
        }
        _ => Err(UrlError::Unfit(format!("{url} is neither beanstalk://host:port nor beanstalk+unix:///path"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> String {
        Options::of(&url.parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_url_names_a_place() {
        let options = |url: &str| Options::of(&url.parse().unwrap()).unwrap();
        assert_eq!(options("beanstalk://a").place, Place::Tcp("a:11300".to_owned()));
        assert_eq!(options("beanstalk+unix:///run/b.sock").place, Place::Unix("/run/b.sock".into()));
        let set = options("beanstalk://a:1?ttr=2m&bundle=1&queue_messages=5");
        assert_eq!((set.ttr, set.bundle, set.limits.messages), (120, 1, 5));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(error("beanstalk://a?tttr=2s").contains("did you mean \"ttr\""));
        assert!(error("beanstalk://a?ttr=1s").contains("from 3s"));
        assert!(error("beanstalk://a?queue_bytes=9").contains("queue_messages"));
        assert!(error("beanstalk://me:pw@a").contains("neither users nor passwords"));
        assert!(error("beanstalk://a,b").contains("no clusters"));
        assert!(error("beanstalk://a/path").contains("neither beanstalk://"));
        assert!(error("beanstalk://a?prefix=-x").contains("begins with"));
    }
}
