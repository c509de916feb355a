//! What is kept of a link, and what can go wrong with it.

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it leads.
    pub(crate) url: String,
    /// How often it was followed.
    pub(crate) visits: u64,
}

/// Why a link could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No more links fit.
    #[error("{0} links are kept already, and no more fit")]
    Full(usize),
    /// Redis did not do what it was asked to.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
}

impl From<StoreError> for skyloom::Status {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::resource_exhausted(error.to_string()),
            StoreError::Redis(_) => Self::unavailable(error.to_string()),
        }
    }
}
