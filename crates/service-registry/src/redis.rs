//! The registry in Redis, or in Valkey.

use std::time::Duration;

use skyloom_broker_adapters::{
    redis::RedisLink,
    remote::{BrokerUrl, OpenError},
};

use crate::linked::Linked;

/// The registry in Redis, on connections of its own.
///
/// A process says every 0.6 s that its instances are there; 2.2 s after its last word they are gone, and all
/// who watch hear of it. Contracts stay until they are forgotten on purpose. If Redis is away, what was known last
/// stands; when it is back, or was emptied, whoever runs registers anew. A contract that is lost while its service runs is
/// told again at once. All of it lies in one hash slot, `<prefix>:{registry}:*`:
///
/// | key | what |
/// |---|---|
/// | `:instances` | a sorted set of GUIDs, by the time at which they are gone in ms |
/// | `:data` | a hash of descriptions in JSON, by GUID |
/// | `:contracts` | a hash of contracts in JSON, by the service's full name |
/// | `:version` | grows with each change, which is published on `:changes` |
pub type RedisRegistry = Linked<RedisLink>;

impl Linked<RedisLink> {
    /// Connects to the Redis or the cluster that a URL names, and checks that it can be used.
    ///
    /// # Errors
    /// [`OpenError`] says why there is no connection; nobody is waited for longer than `patience`.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        Ok(Self::new(RedisLink::connect(url, patience).await?))
    }
}
