//! Where each value of a configuration comes from.

use std::collections::BTreeMap;

use config::{Value, ValueKind};

use super::{
    ConfigError, Settings, Sources,
    keys::{Form, KEYS, OWN},
    settings::layers,
};

/// A key, its value, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The key; a service's own begin with `settings.`.
    pub key: String,
    /// Its value, without passwords; empty if there is none.
    pub value: String,
    /// The file with its line, the environment's variable, the flag, or `default`.
    pub from: String,
}

/// All keys with their values, and where each comes from.
///
/// # Errors
/// As for [`Settings::load`].
pub fn origins(sources: &Sources) -> Result<Vec<Origin>, ConfigError> {
    Settings::load(sources)?;
    let (mut known, mut own) = (BTreeMap::new(), BTreeMap::new());
    for layer in layers(sources)? {
        for (key, value) in layer.0 {
            let place = value.origin().unwrap_or_default().to_owned();
            match value.kind {
                ValueKind::Table(table) if key == OWN => {
                    let from = |value: &Value| value.origin().unwrap_or(&place).to_owned();
                    own.extend(table.into_iter().map(|(key, value)| (key, (from(&value), value.kind.to_string()))));
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
        Origin { key: key.name.to_owned(), value: without_password(&value), from }
    });
    let own = own.iter().map(|(key, (from, value))| Origin {
        key: format!("{OWN}.{key}"),
        value: without_password(value),
        from: from.clone(),
    });
    Ok(keys.chain(own).collect())
}

/// The schemes whose login is a token if it has no password: NATS's.
const TOKENS: [&str; 2] = ["nats", "tls"];

/// A URL without the password or token that it may hold; any other text as it is.
#[must_use]
pub fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let Some((login, host)) = authority.rsplit_once('@') else { return text.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{host}{tail}"),
        None if TOKENS.contains(&scheme) => format!("{scheme}://***@{host}{tail}"),
        None => text.to_owned(),
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
            "listen" => self.listen.clone(),
            _ => self.registry.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_not_shown() {
        for (url, shown) in [
            ("nats://ada:secret@h:1/x?a=b@c", "nats://ada:***@h:1/x?a=b@c"),
            ("nats://secret@h:1,i:2?mode=core", "nats://***@h:1,i:2?mode=core"),
            ("tls://secret@h", "tls://***@h"),
            ("redis://ada@h", "redis://ada@h"),
            ("nats://h/a@b", "nats://h/a@b"),
            ("eu@west", "eu@west"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn each_value_says_where_it_comes_from() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skyloom.toml");
        let text = "[default]\nregion = 'eu'\nlease = '5s'\n\n[service.\"links@1\"]\nlease = '7s'\n\
                    settings = { store = 'redis://u:secret@h/1' }\n";
        std::fs::write(&file, text).unwrap();
        let sources = Sources {
            file: Some(file.clone()),
            service: Some("links@1".to_owned()),
            environment: vec![("SKYLOOM_BROKER".to_owned(), "nats://ada:secret@h:1?mode=core".to_owned())],
            flags: vec!["--drain=3s".to_owned()],
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
        assert_eq!(of("listen"), pair("127.0.0.1:8080", "default"));
        assert_eq!(of("settings.store"), pair("redis://u:***@h/1", "F, line 7"));
    }
}
