//! Why a process has not gone into the background.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{exit::MISTAKE, system::why};

/// Why a process has not gone into the background.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// A flag that needs a path or --daemon beside it.
    #[error("{0}")]
    Flags(String),
    /// A file that cannot be written.
    #[error(
        "cannot write the {what} {}: {}; name one with --{what} in a directory where this user may write", path.display(), why(source)
    )]
    Unwritable {
        /// `pidfile` or `logfile`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pidfile belongs to a process that runs.
    #[error("the pidfile {} is locked by a process that runs (process {pid}); stop that one first", path.display())]
    Runs {
        /// The file.
        path: PathBuf,
        /// What it says.
        pid: String,
    },
    /// The operating system refuses.
    #[error("cannot go into the background: {0}")]
    Refused(#[from] daemonize::Error),
    /// No way for the two processes to talk.
    #[error("cannot go into the background: no pipe: {}", why(.0))]
    NoPipe(#[source] io::Error),
    /// The process in the background has ended before it was ready, or is not ready for long.
    #[error("{sentence}")]
    NotReady {
        /// Its exit code.
        code: u8,
        /// Why.
        sentence: String,
    },
}

impl DaemonError {
    /// The exit code for it.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotReady { code, .. } => *code,
            _ => MISTAKE,
        }
    }
}

pub(super) fn unwritable(what: &'static str, path: &Path, source: io::Error) -> DaemonError {
    DaemonError::Unwritable { what, path: path.to_owned(), source }
}
