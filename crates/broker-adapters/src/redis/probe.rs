//! What is checked before a broker is used, so that a mistake is a sentence at the start.

use std::time::Duration;

use ::redis::{RedisError, Value, aio::MultiplexedConnection, cmd};
use tokio::time::{Instant, sleep};

use crate::remote::{OpenError, Pauses};

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
    let (began, mut pauses) = (Instant::now(), Pauses::default());
    loop {
        let mut absent = None;
        for address in &options.addresses {
            match check(options, address, place).await {
                Ok(()) => return Ok(()),
                Err(error @ OpenError::Absent { .. }) => absent = Some(error),
                Err(error) => return Err(error),
            }
        }
        let pause = pauses.next();
        match absent {
            Some(error) if began.elapsed() + pause >= patience => return Err(error),
            _ => sleep(pause).await,
        }
    }
}

async fn check(options: &Options, address: &Address, place: &Place) -> Result<(), OpenError> {
    let wrong = |error: RedisError| open_error(options, address, &error);
    let mut connection = connect_with_scripts(options, address).await.map_err(wrong)?;
    if options.cluster {
        return cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut connection).await.map(drop).map_err(wrong);
    }
    let mut open = Script::Open.call(&[&place.base]);
    open.arg(BRIEFLY).arg("");
    let opened = open.query_async::<Value>(&mut connection).await;
    match opened {
        Err(error) if error.redirect_node().is_some() || error.to_string().contains("MOVED") => {
            let reason = "it is a node of a Redis Cluster; write redis+cluster:// instead of redis://".to_owned();
            return Err(OpenError::Unusable { address: address.to_string(), reason });
        }
        Err(error) if error.to_string().contains("OOM") => {}
        other => drop(other.map_err(wrong)?),
    }
    warn_of_eviction(&mut connection, address).await;
    Ok(())
}

/// A server that evicts keys loses work without a word to anybody.
async fn warn_of_eviction(connection: &mut MultiplexedConnection, address: &Address) {
    // A user that may not ask is not in the way of anything.
    let info: String = cmd("INFO").arg("memory").query_async(connection).await.unwrap_or_default();
    if let Some(policy) = evicting(&info) {
        tracing::warn!(%address, policy, "Redis evicts keys when its memory is full, and work with them: set maxmemory-policy noeviction");
    }
}

/// The policy by which a server evicts keys, if it does.
fn evicting(info: &str) -> Option<&str> {
    let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let is_bounded = value("maxmemory").is_some_and(|bytes| bytes.trim() != "0");
    value("maxmemory_policy").map(str::trim).filter(|policy| is_bounded && *policy != "noeviction")
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
