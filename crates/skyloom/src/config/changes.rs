//! What has changed from one configuration to the next.

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

    /// The service's own keys with their values, without regard to where they come from.
    fn own_text(&self) -> Vec<(String, String)> {
        let table = self.settings.value().into_table().unwrap_or_default();
        let mut pairs: Vec<_> = table.into_iter().map(|(key, value)| (key, value.kind.to_string())).collect();
        pairs.sort();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
