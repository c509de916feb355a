//! What an instance logs, as far as it can be asked and changed from outside.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Result;

/// The message of `Log`: asks what the instance logs, or changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRequest {
    /// What it is to log from now on, by level and module, such as `debug` or `info,links=debug`; none: as now.
    #[serde(default)]
    pub filter: Option<String>,
}

/// The answer to `Log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAnswer {
    /// What the instance has logged until now.
    pub before: String,
    /// What it logs from now on.
    pub now: String,
}

/// What can tell and change what a process logs.
pub type LogControl = Arc<dyn Fn(&LogRequest) -> Result<LogAnswer> + Send + Sync>;
