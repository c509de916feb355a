//! The service's own settings: `[service."links@1".settings]` or `SKYLOOM_SETTINGS_*`.

use serde::Deserialize;

/// The service's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What short links begin with.
    pub base_url: String,
    /// Where links are kept so that several instances share them; none: in this instance's memory.
    pub redis_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base_url: "http://localhost:8080".to_owned(), redis_url: None }
    }
}
