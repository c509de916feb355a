//! [`OwnSettings`] itself.

use std::fmt;

use config::{Map, Value, ValueKind};
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
        let written = serde_json::to_value(settings).map_err(|error| ConfigError::Own(error.to_string()))?;
        match kind(written) {
            table @ ValueKind::Table(_) => Ok(Self(Some(Value::new(None, table)))),
            ValueKind::Nil => Ok(Self::default()),
            _ => Err(ConfigError::Own("they are no keys with values; write them as a struct or a map".to_owned())),
        }
    }

    /// The keys and their values.
    pub(super) fn value(&self) -> Value {
        self.0.clone().unwrap_or_else(|| Value::new(None, ValueKind::Table(Map::new())))
    }
}

/// The same value as a configuration has it, with every key as it is.
fn kind(written: serde_json::Value) -> ValueKind {
    match written {
        serde_json::Value::Null => ValueKind::Nil,
        serde_json::Value::Bool(value) => ValueKind::Boolean(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => ValueKind::I64(number),
            (None, Some(number)) => ValueKind::U64(number),
            (None, None) => number.as_f64().map_or(ValueKind::Nil, ValueKind::Float),
        },
        serde_json::Value::String(text) => ValueKind::String(text),
        serde_json::Value::Array(list) => {
            ValueKind::Array(list.into_iter().map(|value| Value::new(None, kind(value))).collect())
        }
        serde_json::Value::Object(map) => {
            ValueKind::Table(map.into_iter().map(|(key, value)| (key, Value::new(None, kind(value)))).collect())
        }
    }
}

impl fmt::Debug for OwnSettings {
    /// Without the values: some of them may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnSettings").finish_non_exhaustive()
    }
}
