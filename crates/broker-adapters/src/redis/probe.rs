//! What is checked before a broker is used, so that a mistake is a sentence at the start.

use std::time::Duration;

use ::redis::{ErrorKind, RedisError, Value, cmd};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::remote::{OpenError, Pauses, stranger};

use super::{
    link::connect_with_scripts,
    names::Place,
    options::{Address, Options},
    scripts::Script,
    trouble::open_error,
};

/// What is put there to see whether it may be expires at once.
const BRIEFLY: u64 = 1;

/// Waits until one of the servers can be used, for so long.
pub(super) async fn await_server(options: &Options, place: &Place, patience: Duration) -> Result<(), OpenError> {
    let (began, mut pauses, mut dropped) = (Instant::now(), Pauses::default(), 0);
    loop {
        let mut last = None;
        for address in &options.addresses {
            let Err(error) = check(options, address, place).await else { return Ok(()) };
            dropped += u32::from(error.is_connection_dropped());
            let may_pass = error.is_connection_dropped() && dropped < DROPPED;
            let error = match explained(options, address, error).await {
                Wrong::Open(error) => error,
                Wrong::Redis(error) => open_error(options, address, &error),
            };
            if !may_pass && !matches!(error, OpenError::Absent { .. }) {
                return Err(error);
            }
            last = Some(error);
        }
        let pause = pauses.next();
        match last {
            Some(error) if began.elapsed() + pause >= patience => return Err(error),
            _ => sleep(pause).await,
        }
    }
}

/// A server that is being stopped drops connections as one of another kind does; only the latter does it again.
const DROPPED: u32 = 4;

/// How long a server may take to say that it does not speak TLS.
const PLAIN_TIME: Duration = Duration::from_secs(1);

/// What is wrong with a server.
enum Wrong {
    /// As the client sees it.
    Redis(RedisError),
    /// As it is known better.
    Open(OpenError),
}

impl Wrong {
    fn is_connection_dropped(&self) -> bool {
        matches!(self, Self::Redis(error) if error.is_connection_dropped())
    }
}

impl From<RedisError> for Wrong {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

/// A server of another kind is asked who it is. A Redis without TLS does not answer to TLS at all; then it is asked
/// without.
async fn explained(options: &Options, address: &Address, wrong: Wrong) -> Wrong {
    match (wrong, address) {
        (Wrong::Redis(error), Address::Tcp(host, port)) if !options.tls && is_foreign(&error) => {
            let words = stranger::first_words((host.as_str(), *port)).await;
            match stranger::kind(&words).filter(|_| !words.starts_with(b"+") && !words.starts_with(b"-")) {
                Some(_) if words.starts_with(&[0x15, 3]) => {
                    let reason = "it expects TLS; write rediss:// instead of redis://".to_owned();
                    Wrong::Open(OpenError::Unusable { address: address.to_string(), reason })
                }
                Some(kind) => {
                    let reason = format!("it does not speak Redis's protocol: it is {kind}; check host and port");
                    Wrong::Open(OpenError::Unusable { address: address.to_string(), reason })
                }
                None => Wrong::Redis(error),
            }
        }
        (Wrong::Redis(error), Address::Tcp(host, port)) if options.tls && error.is_timeout() => {
            let asked = timeout(PLAIN_TIME, answers_plainly(host, *port)).await;
            if !matches!(asked, Ok(Ok(true))) {
                return Wrong::Redis(error);
            }
            let reason = "it does not speak TLS; write redis:// instead of rediss://".to_owned();
            Wrong::Open(OpenError::Unusable { address: address.to_string(), reason })
        }
        (wrong, _) => wrong,
    }
}

/// Whether an error is such that servers of another kind cause it.
fn is_foreign(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Parse || error.is_connection_dropped() || error.is_timeout()
}

async fn answers_plainly(host: &str, port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut first = [0];
    stream.read_exact(&mut first).await?;
    Ok(matches!(&first, b"+" | b"-"))
}

async fn check(options: &Options, address: &Address, place: &Place) -> Result<(), Wrong> {
    let mut connection = connect_with_scripts(options, address).await?;
    if options.cluster {
        cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut connection).await?;
        return Ok(());
    }
    // A user that may not ask is not in the way of anything.
    let info: String = cmd("INFO").query_async(&mut connection).await.unwrap_or_default();
    let mut open = Script::Open.call(&[&place.base]);
    open.arg(BRIEFLY).arg("");
    let opened = open.query_async::<Value>(&mut connection).await;
    let is_elsewhere = opened.as_ref().err().is_some_and(|error| error.redirect_node().is_some());
    if is_elsewhere || value(&info, "cluster_enabled") == Some("1") {
        let reason = "it is a node of a Redis Cluster; write redis+cluster:// instead of redis://".to_owned();
        return Err(Wrong::Open(OpenError::Unusable { address: address.to_string(), reason }));
    }
    opened?;
    // A server that evicts keys loses work without a word to anybody.
    if let Some(policy) = evicting(&info) {
        let advice = "set maxmemory-policy noeviction";
        tracing::warn!(%address, policy, advice, "Redis evicts keys, and work with them, when its memory is full");
    }
    Ok(())
}

/// A value in the answer to `INFO`.
fn value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The policy by which a server evicts keys, if it does.
fn evicting(info: &str) -> Option<&str> {
    let is_bounded = value(info, "maxmemory").is_some_and(|bytes| bytes != "0");
    value(info, "maxmemory_policy").filter(|policy| is_bounded && *policy != "noeviction")
}

#[cfg(test)]
mod tests {
    use super::evicting;

    #[test]
    fn eviction_is_seen() {
        let info = |bytes, policy| format!("# Memory\r\nmaxmemory:{bytes}\r\nmaxmemory_policy:{policy}\r\n");
        assert_eq!(evicting(&info("100", "allkeys-lru")), Some("allkeys-lru"));
        assert_eq!(evicting(&info("0", "allkeys-lru")), None);
        assert_eq!(evicting(&info("100", "noeviction")), None);
        assert_eq!(evicting(""), None);
    }
}
