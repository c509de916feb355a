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
            let Some((what, rest)) = message.split_once(" for key `") else {
                return ConfigError::Own(shown_mistake("", message));
            };
            let key = rest.split('`').next().unwrap_or_default();
            let reason = ranged(&shown_mistake(key, what));
            return ConfigError::Value { place: self.own_place(key), key: format!("{OWN}.{key}"), reason };
        };
        let known: Vec<&str> = names.collect();
        let (place, key) = (self.own_place(unknown), format!("{OWN}.{unknown}"));
        ConfigError::UnknownKey { place, hint: hint(unknown, "keys", &known), key }
    }

    /// Where one of the service's own keys was written, by itself or as a part of another.
    fn own_place(&self, key: &str) -> String {
        let all = self.sources.as_ref().and_then(|sources| origins(sources).ok()).unwrap_or_default();
        let whole = format!("{OWN}.{}", key.split(['.', '[']).next().unwrap_or_default());
        let from = all.into_iter().find(|origin| origin.key == whole).map(|origin| origin.from);
        from.unwrap_or_else(|| "the service's settings".to_owned())
    }
}

/// The same with the numbers that an integer may be, instead of how many bits it has.
fn ranged(message: &str) -> String {
    let Some((what, expected)) = message.rsplit_once(", expected an ") else { return message.to_owned() };
    let bits = |of: &str| {
        let bits = expected.strip_prefix(of)?.strip_suffix(" bit integer")?.parse::<u32>().ok();
        bits.filter(|bits| [8, 16, 32].contains(bits))
    };
    let (least, most) = match (bits("unsigned "), bits("signed ")) {
        (Some(bits), _) => (0, (1_i64 << bits) - 1),
        (_, Some(bits)) => (-(1_i64 << (bits - 1)), (1_i64 << (bits - 1)) - 1),
        _ => return message.to_owned(),
    };
    format!("{what}, expected a whole number from {least} to {most}")
}
