//! Links in Redis: one hash a link, with the fields `url` and `visits`.

use redis::{AsyncCommands as _, Client, aio::ConnectionManager};

use super::{Entry, StoreError};

/// Links in Redis, shared by all instances.
#[derive(Clone)]
pub(super) struct Redis(ConnectionManager);

fn key(code: &str) -> String {
    format!("links:{code}")
}

impl Redis {
    /// Connects, and reconnects whenever the connection is lost.
    pub(super) async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self(Client::open(url)?.get_connection_manager().await?))
    }

    /// Keeps a link, unless its code is taken.
    pub(super) async fn insert(&self, code: &str, url: &str) -> Result<bool, StoreError> {
        Ok(self.0.clone().hset_nx(key(code), "url", url).await?)
    }

    pub(super) async fn find(&self, code: &str) -> Result<Option<Entry>, StoreError> {
        let fields: (Option<String>, Option<u64>) = self.0.clone().hmget(key(code), &["url", "visits"]).await?;
        Ok(fields.0.map(|url| Entry { url, visits: fields.1.unwrap_or(0) }))
    }

    /// Counts a visit and tells where the link leads.
    pub(super) async fn visit(&self, code: &str) -> Result<Option<String>, StoreError> {
        let mut redis = self.0.clone();
        let url: Option<String> = redis.hget(key(code), "url").await?;
        if url.is_some() {
            let _: u64 = redis.hincr(key(code), "visits", 1).await?;
        }
        Ok(url)
    }
}
