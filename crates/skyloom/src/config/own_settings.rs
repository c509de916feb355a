//! [`OwnSettings`] itself.

use std::fmt;

use config::{Config, Map, Value, ValueKind};
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The part of a configuration that belongs to the service: keys that only the service knows, read by
/// [`Settings::own`](super::Settings::own). By default it is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct OwnSettings(Option<Value>);

impl OwnSettings {
    /// The fields of a value as keys.
    ///
    /// # Errors
    /// If a configuration cannot hold such a value.
    pub fn of<T: Serialize>(settings: &T) -> Result<Self, ConfigError> {
        let written = Config::try_from(settings).map_err(|error| ConfigError::Own(error.to_string()))?;
        Ok(Self(Some(written.cache)))
    }

    /// The keys and their values.
    pub(super) fn value(&self) -> Value {
        self.0.clone().unwrap_or_else(|| Value::new(None, ValueKind::Table(Map::new())))
    }
}

impl fmt::Debug for OwnSettings {
    /// Without the values: some of them may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnSettings").finish_non_exhaustive()
    }
}
