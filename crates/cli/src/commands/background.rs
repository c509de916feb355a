//! The flags of commands that may go into the background.

use std::path::PathBuf;

use skyloom::daemon::{Daemon, Pidfile};

use crate::failure::Failure;

/// How a command goes into the background.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BackgroundArgs {
    /// Go into the background; a supervisor wants the foreground
    #[arg(long)]
    daemon: bool,
    /// With --daemon: keep the process id here, locked while the process runs
    #[arg(long, value_name = "PATH")]
    pidfile: Option<PathBuf>,
    /// With --daemon: append log lines here, which are lost otherwise
    #[arg(long, value_name = "PATH")]
    logfile: Option<PathBuf>,
}

impl BackgroundArgs {
    /// Goes into the background if that is asked for.
    ///
    /// # Errors
    /// If a file is given for nothing, cannot be written, or belongs to a process that runs; or if the process in the background has ended
    /// before it was ready.
    pub(crate) fn start(&self) -> Result<Option<Pidfile>, Failure> {
        if !self.daemon {
            let given = [("--pidfile", &self.pidfile), ("--logfile", &self.logfile)];
            return match given.into_iter().find(|(_, path)| path.is_some()) {
                Some((flag, _)) => Err(Failure::usage(format!("{flag} goes with --daemon: add that, or leave it out"))),
                None => Ok(None),
            };
        }
        let daemon = Daemon { pidfile: self.pidfile.clone(), logfile: self.logfile.clone() };
        daemon.start().map(Some).map_err(|error| Failure::of_code(error.exit_code(), error.to_string()))
    }
}
