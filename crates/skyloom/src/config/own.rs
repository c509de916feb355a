//! The service's own settings.

use serde::de::DeserializeOwned;

use super::{ConfigError, Settings, file::hint, keys::OWN, origins::origins, secrets::shown_mistake};

impl Settings {
    /// The service's own settings.
    ///
    /// # Errors
    /// If a key is missing, unknown or of another form than the type has it.
    pub fn own<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.settings.value().try_deserialize().map_err(|error| self.own_mistake(&error.to_string()))
    }

    /// The mistake with its place and the nearest key, if it is an unknown key; serde puts names into backticks, the
    /// unknown one first.
    fn own_mistake(&self, message: &str) -> ConfigError {
        let mut names = message.split('`').skip(1).step_by(2);
        let Some(unknown) = names.next().filter(|_| message.starts_with("unknown field")) else {
            let key = message.split_once("for key `").and_then(|(_, rest)| rest.split('`').next());
            return ConfigError::Own(shown_mistake(key.unwrap_or_default(), message));
        };
        let known: Vec<&str> = names.collect();
        let key = format!("{OWN}.{unknown}");
        let all = self.sources.as_ref().and_then(|sources| origins(sources).ok()).unwrap_or_default();
        let from = all.into_iter().find(|origin| origin.key == key).map(|origin| origin.from);
        let place = from.unwrap_or_else(|| "the service's settings".to_owned());
        ConfigError::UnknownKey { place, hint: hint(unknown, "keys", &known), key }
    }
}
