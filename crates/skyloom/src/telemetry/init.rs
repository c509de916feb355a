//! The start of a process's log.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Mutex,
};

use tracing::Level;
use tracing_subscriber::{Layer as _, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _};

use super::{
    control::{LOG, Log},
    journal::{Journal, priority},
    panics::log_panics,
    stream::{Stream, reads_journal},
};
use crate::config::{ConfigError, LogFormat, parse_filter};

/// Starts writing log lines to standard error. `filter` names levels by module, such as `info` or
/// `info,links=debug`. If a subscriber is installed already, it stays. Panics are lines of this log, too; a program with
/// a panic hook of its own sets it afterwards, or in a `main` under [`macro@crate::main`].
///
/// # Errors
/// If the filter is malformed.
pub fn init(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let targets = parse_filter(filter).map_err(|reason| ConfigError::Value {
        place: "configuration".to_owned(),
        key: "log".to_owned(),
        reason,
    })?;
    let format = format.settled();
    let stream = Stream::new(format);
    // See https://no-color.org.
    let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let (targets, handle) = reload::Layer::new(targets);
    let layer = match format {
        LogFormat::Json => fmt::layer::<Registry>().json().with_writer(stream).with_filter(targets).boxed(),
        LogFormat::Journal => {
            fmt::layer().event_format(Journal::default()).with_writer(stream).with_filter(targets).boxed()
        }
        LogFormat::Auto | LogFormat::Text => {
            fmt::layer().with_ansi(color).with_writer(stream).with_filter(targets).boxed()
        }
    };
    // An application that has its own subscriber keeps it.
    if tracing_subscriber::registry().with(layer).try_init().is_ok() {
        // Nobody else can have been here: a subscriber is only installed once.
        drop(LOG.set(Log { handle, text: Mutex::new(filter.to_owned()), format }));
        log_panics();
    }
    Ok(())
}

/// Logs why the process ends, if its log is for other programs to read. If it is for people, or there is none, it is false,
/// and whoever runs the program is told otherwise.
#[must_use]
pub fn log_end(sentence: &str) -> bool {
    let format = LOG.get().map(|log| log.format);
    let is_logged = matches!(format, Some(LogFormat::Json | LogFormat::Journal)) && tracing::enabled!(Level::ERROR);
    if is_logged {
        tracing::error!("{sentence}");
    }
    is_logged
}

/// Says why the process ends, in the form of its log; on a terminal, as a command does.
pub(crate) fn last_words(sentence: &str) {
    if log_end(sentence) {
        return;
    }
    // A terminal that is gone is no reason to panic.
    drop(match LOG.get() {
        None if reads_journal() => writeln!(io::stderr(), "<{}>error: {sentence}", priority(Level::ERROR)),
        _ => writeln!(io::stderr(), "error: {sentence}"),
    });
}
