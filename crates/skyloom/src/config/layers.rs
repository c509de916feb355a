//! Environment and flags as layers above the file.

use config::{ConfigError as LayerError, Map, Source, Value, ValueKind};

use super::{
    ConfigError,
    file::hint,
    keys::{Form, KEYS, Key, OWN, check, find},
};

/// Names the configuration file, if it is not `skyloom.toml` in the current directory.
pub const FILE_VARIABLE: &str = "SKYLOOM_CONFIG";

/// What variables of the environment begin with.
const PREFIX: &str = "SKYLOOM_";

/// What variables with a service's own settings begin with.
const OWN_PREFIX: &str = "SKYLOOM_SETTINGS_";

/// One layer of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer(pub(super) Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, LayerError> {
        Ok(self.0.clone())
    }
}

impl Layer {
    fn set(&mut self, place: String, name: &str, text: String) -> Result<(), ConfigError> {
        let key = known(&place, name)?;
        check(key.form, &text).map_err(|reason| ConfigError::Value {
            place: place.clone(),
            key: name.to_owned(),
            reason,
        })?;
        self.0.insert(name.to_owned(), Value::new(Some(&place), ValueKind::String(text)));
        Ok(())
    }

    fn set_own(&mut self, place: &String, name: String, text: String) {
        let value = Value::new(Some(place), ValueKind::String(text));
        let own = self.0.entry(OWN.to_owned()).or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
        if let ValueKind::Table(table) = &mut own.kind {
            table.insert(name, value);
        }
    }
}

/// The key of this name, of those that are one value.
fn known(place: &str, name: &str) -> Result<&'static Key, ConfigError> {
    find(name).filter(|key| key.form != Form::Own).ok_or_else(|| {
        let all: Vec<&str> = KEYS.iter().filter(|key| key.form != Form::Own).map(|key| key.name).collect();
        ConfigError::UnknownKey { place: place.to_owned(), hint: hint(name, "keys", &all), key: name.to_owned() }
    })
}

/// The layer of the environment: `SKYLOOM_LEASE` for a key, `SKYLOOM_SETTINGS_BASE_URL` for a
/// service's own.
pub(super) fn environment(variables: impl Iterator<Item = (String, String)>) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for (variable, text) in variables {
        // The file itself is found by this one.
        if variable == FILE_VARIABLE {
            continue;
        }
        let place = format!("environment variable {variable}");
        if let Some(own) = variable.strip_prefix(OWN_PREFIX) {
            layer.set_own(&place, own.to_ascii_lowercase(), text);
        } else if let Some(name) = variable.strip_prefix(PREFIX) {
            layer.set(place, &name.to_ascii_lowercase(), text)?;
        }
    }
    Ok(layer)
}

/// The layer of the command line: `--lease 10s` or `--lease=10s`; `--settings.base_url URL` for a
/// service's own.
pub(super) fn flags(arguments: impl Iterator<Item = String>) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument.strip_prefix("--") else {
            let hint = "flags begin with --".to_owned();
            return Err(ConfigError::UnknownKey { place: "command line".to_owned(), key: argument, hint });
        };
        if flag == "daemon" {
            let hint = "this program was built without it: build it with the feature \"daemon\" of the skyloom crate";
            let (place, key) = ("command line".to_owned(), argument);
            return Err(ConfigError::UnknownKey { place, key, hint: hint.to_owned() });
        }
        let (name, text) = match flag.split_once('=') {
            Some((name, text)) => (name.to_owned(), Some(text.to_owned())),
            None => (flag.to_owned(), arguments.next()),
        };
        let place = format!("flag --{name}");
        let key = name.replace('-', "_");
        let own = key.strip_prefix("settings.");
        // A value that is missing after a flag that is none is not what is wrong.
        if own.is_none() {
            known(&place, &key)?;
        }
        let text = text.ok_or_else(|| ConfigError::Value {
            place: "command line".to_owned(),
            key: format!("--{name}"),
            reason: "a value is missing after it".to_owned(),
        })?;
        match own {
            Some(own) => layer.set_own(&place, own.to_owned(), text),
            None => layer.set(place, &key, text)?,
        }
    }
    Ok(layer)
}

/// What `--help` prints of the keys.
pub(super) fn help() -> String {
    let width = KEYS.iter().map(|key| key.name.len()).max().unwrap_or(0);
    let line = |key: &Key| format!("  --{:<width$}  {}\n", key.name.replace('_', "-"), key.help);
    KEYS.iter().filter(|key| key.form != Form::Own).map(line).collect()
}
