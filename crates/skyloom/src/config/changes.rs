//! What has changed from one configuration to the next.

use std::collections::BTreeMap;

use config::ValueKind;

use super::{
    Settings,
    keys::{Form, KEYS, OWN},
};

/// A key whose value has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: &'static str,
    /// Its new value, without passwords; empty for the service's own table.
    pub value: String,
    /// Whether a running process takes it over; anything else takes a restart.
    pub live: bool,
}

impl Settings {
    /// The keys whose values are others in `newer`.
    #[must_use]
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut changes: Vec<Change> = KEYS
            .iter()
            .filter(|key| key.form != Form::Own && self.text(key.name) != newer.text(key.name))
            .map(|key| Change { key: key.name, value: key.shown(&newer.text(key.name)), live: key.live })
            .collect();
        if self.own_text() != newer.own_text() {
            changes.push(Change { key: OWN, value: String::new(), live: false });
        }
        changes
    }

    /// This configuration with as much of a newer one as a running process takes over; of the service's own keys only
    /// if the service does.
    #[must_use]
    pub(crate) fn taking_over(&self, newer: &Self, own: bool) -> Self {
        Self {
            log: newer.log.clone(),
            drain: newer.drain,
            timeout: newer.timeout,
            busy_poll: newer.busy_poll,
            settings: if own { newer.settings.clone() } else { self.settings.clone() },
            sources: newer.sources.clone(),
            ..self.clone()
        }
    }

    /// The service's own keys with their values, without regard to where they come from.
    fn own_text(&self) -> Vec<(String, String)> {
        let table = self.settings.value().into_table().unwrap_or_default();
        let mut pairs: Vec<_> = table.into_iter().map(|(key, value)| (key, text(&value.kind))).collect();
        pairs.sort();
        pairs
    }
}

/// A value as a text, with the keys of tables in order: the order in which they are read is no change.
fn text(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Table(table) => {
            let pairs: BTreeMap<_, _> = table.iter().map(|(key, value)| (key, text(&value.kind))).collect();
            format!("{pairs:?}")
        }
        ValueKind::Array(list) => format!("{:?}", list.iter().map(|value| text(&value.kind)).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_a_table_is_read_is_no_change() {
        let read = |own: &str| {
            let sources = crate::config::Sources::default();
            Settings::load_text(&sources, &format!("[service]\nsettings = {{ limits = {own} }}\n")).unwrap()
        };
        let first = "{ a = 1, b = 2, c = 3, d = 4, list = [{ e = 5, f = 6, g = 7 }] }";
        for _ in 0..20 {
            let again = read("{ d = 4, list = [{ g = 7, f = 6, e = 5 }], c = 3, b = 2, a = 1 }");
            assert_eq!(read(first).changes(&again), []);
        }
        assert_eq!(read(first).changes(&read(&first.replace("6", "8"))).len(), 1);
    }

    #[test]
    fn what_is_not_taken_over_is_still_a_change() {
        let (old, time) = (Settings::default(), std::time::Duration::from_secs(7));
        let newer = Settings {
            broker: Some("unix:/b".to_owned()),
            registry: Some("unix:/r".to_owned()),
            region: "eu".to_owned(),
            log: "debug".to_owned(),
            log_format: crate::config::LogFormat::Text,
            concurrency: 7,
            lease: time,
            max_attempts: 7,
            drain: time,
            timeout: time,
            busy_poll: false,
            listen: "127.0.0.1:7".to_owned(),
            settings: crate::config::OwnSettings::of(&std::collections::BTreeMap::from([("a", 7)])).unwrap(),
            sources: None,
        };
        assert_eq!(old.changes(&newer).len(), KEYS.len(), "every key is another");
        let keys = |changes: &[Change]| changes.iter().map(|change| change.key).collect::<Vec<_>>();
        let waiting: Vec<_> = KEYS.iter().filter(|key| !key.live).map(|key| key.name).collect();
        assert_eq!(keys(&old.taking_over(&newer, false).changes(&newer)), waiting);
        assert_eq!(keys(&old.taking_over(&newer, true).changes(&newer)), waiting[..waiting.len() - 1]);
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let old = Settings::default();
        let new =
            Settings { log: "debug".to_owned(), broker: Some("nats://ada:secret@h".to_owned()), ..Settings::default() };
        assert_eq!(old.changes(&old), []);
        let change = |key, value: &str, live| Change { key, value: value.to_owned(), live };
        assert_eq!(old.changes(&new), [change("broker", "nats://ada:***@h", false), change("log", "debug", true)]);
    }
}
