//! [`Store`] itself.

use std::{fmt, sync::Arc};

use super::{Entry, StoreError, memory::Memory, redis::Redis};

/// Where links are kept. Cheap to clone.
#[derive(Clone)]
pub struct Store(Place);

#[derive(Clone)]
enum Place {
    Memory(Arc<Memory>),
    Redis(Redis),
}

impl Store {
    /// In Redis if a URL is given, and else in this instance's memory.
    ///
    /// # Errors
    /// If the URL is malformed or Redis does not answer.
    pub async fn open(redis_url: Option<&str>) -> Result<Self, StoreError> {
        Ok(Self(match redis_url {
            Some(url) => Place::Redis(Redis::connect(url).await?),
            None => Place::Memory(Arc::default()),
        }))
    }

    /// Keeps a link, unless its code is taken.
    pub(crate) async fn insert(&self, code: &str, url: &str) -> Result<bool, StoreError> {
        match &self.0 {
            Place::Memory(memory) => memory.insert(code, url),
            Place::Redis(redis) => redis.insert(code, url).await,
        }
    }

    pub(crate) async fn find(&self, code: &str) -> Result<Option<Entry>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.find(code)),
            Place::Redis(redis) => redis.find(code).await,
        }
    }

    /// Counts a visit and tells where the link leads.
    pub(crate) async fn visit(&self, code: &str) -> Result<Option<String>, StoreError> {
        match &self.0 {
            Place::Memory(memory) => Ok(memory.visit(code)),
            Place::Redis(redis) => redis.visit(code).await,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Place::Memory(_) => "Store(memory)",
            Place::Redis(_) => "Store(redis)",
        })
    }
}
