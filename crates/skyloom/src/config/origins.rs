//! Where each value of a configuration comes from.

use std::{collections::BTreeMap, fmt};

use config::{Value, ValueKind};

use super::{
    ConfigError, Settings, Sources,
    keys::{Form, KEYS, OWN},
    secrets::shown_value,
    settings::layers,
};

/// A key, its value, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The key; a service's own begin with `settings.`.
    pub key: String,
    /// Its value, without what is secret ([`is_secret`](super::is_secret)); empty if there is none.
    pub value: String,
    /// The file with its line, the environment's variable, the flag, or `default`.
    pub from: String,
}

/// All keys with their values, and where each comes from.
///
/// # Errors
/// As for [`Settings::load`].
pub fn origins(sources: &Sources) -> Result<Vec<Origin>, ConfigError> {
    // What is handed over as a pipe can be read only once.
    let layers = layers(sources)?;
    Settings::of_layers(sources, layers.clone())?;
    let (mut known, mut own) = (BTreeMap::new(), BTreeMap::new());
    for layer in layers {
        for (key, value) in layer.0 {
            let place = value.origin().unwrap_or_default().to_owned();
            match value.kind {
                ValueKind::Table(table) if key == OWN => {
                    let from = |value: &Value| value.origin().unwrap_or(&place).to_owned();
                    own.extend(table.into_iter().map(|(key, value)| {
                        let shown = shown_value(&key, &value);
                        (key, (from(&value), shown))
                    }));
                }
                kind => {
                    known.insert(key, (place, kind.to_string()));
                }
            }
        }
    }
    let usual = Settings::default();
    let given = |key: &str| known.get(key).cloned();
    let keys = KEYS.iter().filter(|key| key.form != Form::Own).map(|key| {
        let (from, value) = given(key.name).unwrap_or_else(|| ("default".to_owned(), usual.text(key.name)));
        Origin { key: key.name.to_owned(), value: key.shown(&value), from }
    });
    let own = own.iter().map(|(key, (from, value))| Origin {
        key: format!("{OWN}.{key}"),
        value: value.clone(),
        from: from.clone(),
    });
    Ok(keys.chain(own).collect())
}

impl fmt::Debug for Settings {
    /// Without what is secret, and without the service's own keys, which may be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = KEYS.iter().filter(|key| key.form != Form::Own);
        let pairs = keys.map(|key| (key.name, key.shown(&self.text(key.name))));
        f.write_str("Settings ")?;
        f.debug_map().entries(pairs).finish()
    }
}

impl Settings {
    /// A key's value as it would be written.
    pub(super) fn text(&self, key: &str) -> String {
        let time = |time: std::time::Duration| format!("{time:?}");
        match key {
            "broker" => self.broker.clone().unwrap_or_else(|| "local:".to_owned()),
            "region" => self.region.clone(),
            "log" => self.log.clone(),
            "log_format" => format!("{:?}", self.log_format).to_ascii_lowercase(),
            "concurrency" => self.concurrency.to_string(),
            "lease" => time(self.lease),
            "max_attempts" => self.max_attempts.to_string(),
            "drain" => time(self.drain),
            "timeout" => time(self.timeout),
            "busy_poll" => if self.busy_poll { "on" } else { "off" }.to_owned(),
            "listen" => self.listen.clone(),
            _ => self.registry.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_says_where_it_comes_from() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skyloom.toml");
        let text = "[default]\nregion = 'eu'\nlease = '5s'\n\n[service.\"links@1\"]\nlease = '7s'\n\
                    settings = { store = 'redis://u:secret@h/1', api_token = 'hunter2', db = { password = 'hunter2' } }\n";
        std::fs::write(&file, text).unwrap();
        let sources = Sources {
            file: Some(file.clone()),
            service: Some("links@1".to_owned()),
            environment: vec![("SKYLOOM_BROKER".to_owned(), "nats://ada:secret@h:1?mode=core".to_owned())],
            flags: vec![
                "--drain=3s".to_owned(),
                "--log=info,auth=debug".to_owned(),
                "--settings.signing-key=hunter2".to_owned(),
            ],
        };
        let all = origins(&sources).unwrap();
        let of = |key: &str| {
            let origin = all.iter().find(|origin| origin.key == key).unwrap();
            (origin.value.clone(), origin.from.replace(&file.display().to_string(), "F"))
        };
        let pair = |value: &str, from: &str| (value.to_owned(), from.to_owned());
        assert_eq!(of("region"), pair("eu", "F, line 2"));
        assert_eq!(of("lease"), pair("7s", "F, line 6"));
        assert_eq!(of("broker"), pair("nats://ada:***@h:1?mode=core", "environment variable SKYLOOM_BROKER"));
        assert_eq!(of("drain"), pair("3s", "flag --drain"));
        assert_eq!(of("log"), pair("info,auth=debug", "flag --log"));
        assert_eq!(of("listen"), pair("127.0.0.1:8080", "default"));
        assert_eq!(of("settings.store"), pair("redis://u:***@h/1", "F, line 7"));
        assert_eq!(of("settings.api_token"), pair("***", "F, line 7"));
        assert_eq!(of("settings.db"), pair("{ password = *** }", "F, line 7"));
        assert_eq!(of("settings.signing_key"), pair("***", "flag --settings.signing-key"));
        assert!(!format!("{all:?} {sources:?} {:?}", Settings::load(&sources)).contains("secret"));
        assert!(!format!("{all:?} {sources:?} {:?}", Settings::load(&sources)).contains("hunter2"));
    }
}
