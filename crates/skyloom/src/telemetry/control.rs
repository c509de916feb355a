//! What the process logs, as it can be told and changed while it runs.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use skyloom_core::{
    Status,
    worker::{LogAnswer, LogControl},
};
use tracing_subscriber::{Registry, filter::Targets, reload};

use crate::config::{LogFormat, parse_filter};

/// Why what a process logs stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The text does not say what to log.
    #[error("{0}")]
    Filter(String),
    /// The process has a subscriber of its own.
    #[error("this process has a log of its own making, which cannot be changed from outside")]
    NotOurs,
}

/// The one log of this process.
pub(super) struct Log {
    pub(super) handle: reload::Handle<Targets, Registry>,
    pub(super) text: Mutex<String>,
    pub(super) format: LogFormat,
}

/// Set once the log lines of this process are ours.
pub(super) static LOG: OnceLock<Log> = OnceLock::new();

/// What this process logs; none if it has a subscriber of its own.
#[must_use]
pub fn filter() -> Option<String> {
    LOG.get().map(|log| log.text.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Changes what this process logs from now on, such as `debug` or `info,links=debug`, and tells what it was.
///
/// # Errors
/// If the text says nothing that can be logged, or the process has a subscriber of its own.
pub fn set_filter(text: &str) -> Result<String, LogError> {
    let targets = parse_filter(text).map_err(LogError::Filter)?;
    let log = LOG.get().ok_or(LogError::NotOurs)?;
    let mut held = log.text.lock().unwrap_or_else(PoisonError::into_inner);
    log.handle.reload(targets).map_err(|_| LogError::NotOurs)?;
    Ok(std::mem::replace(&mut held, text.to_owned()))
}

/// The log of this process for an instance's channel.
pub(crate) fn log_control() -> LogControl {
    Arc::new(|request| match &request.filter {
        Some(text) => {
            parse_filter(text).map_err(LogError::Filter)?;
            // Before it is changed, since it may not be logged any more afterwards.
            tracing::warn!(now = text, "an operator changes what is logged");
            let before = set_filter(text)?;
            Ok(LogAnswer { before, now: text.clone() })
        }
        None => {
            let now = filter().ok_or(LogError::NotOurs)?;
            Ok(LogAnswer { before: now.clone(), now })
        }
    })
}

impl From<LogError> for Status {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Filter(_) => Self::invalid_argument(error.to_string()),
            LogError::NotOurs => Self::unimplemented(error.to_string()),
        }
    }
}
