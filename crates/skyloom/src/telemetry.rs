//! Log lines of a process.

use std::io::IsTerminal as _;

use tracing_subscriber::{Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{ConfigError, LogFormat};

/// Starts writing log lines to standard error. `filter` names levels by module, such as `info` or
/// `info,links=debug`. If a subscriber is installed already, it stays.
///
/// # Errors
/// If the filter is malformed.
pub fn init(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let targets: Targets = filter.parse().map_err(|error| ConfigError::Value {
        place: "configuration".to_owned(),
        key: "log".to_owned(),
        reason: format!("{filter:?} is no filter: {error}"),
    })?;
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let layer = match format {
        LogFormat::Text => lines.with_filter(targets).boxed(),
        LogFormat::Json => lines.json().with_filter(targets).boxed(),
    };
    // An application that has its own subscriber keeps it.
    drop(tracing_subscriber::registry().with(layer).try_init());
    Ok(())
}
