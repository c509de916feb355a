//! From the foreground into the background.

use std::{env, io, path::PathBuf, process};

use daemonize::{Daemonize, Outcome};

use super::{
    error::DaemonError,
    pidfile::{Locked, Made, Pidfile},
    report::{failed, keep, wait},
};
use crate::arguments::arguments;

/// What `--help` says of the flags.
pub(crate) const HELP: &str =
    "  --daemon        go into the background; the command waits until the program says that it is ready
  --pidfile PATH  with --daemon: keep the process id here, locked while the process runs
  --logfile PATH  with --daemon: append log lines here, which are lost otherwise
";

/// How a process goes into the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daemon {
    /// Where its process id is kept.
    pub pidfile: Option<PathBuf>,
    /// Where its log lines go.
    pub logfile: Option<PathBuf>,
}

impl Daemon {
    /// Goes into the background: this function returns in another process, and the caller's ends with success as soon
    /// as that one says that it is ready, by [`Foreground::ready`](crate::Foreground::ready) or by
    /// [`ready`](super::ready). It must be called before there is a second thread or an event loop. The directory stays
    /// the same.
    ///
    /// # Errors
    /// If a file cannot be written or belongs to a process that runs; and, in the caller's process, why the one in the
    /// background has not become ready.
    pub fn start(&self) -> Result<Pidfile, DaemonError> {
        let mut made = Made::default();
        let mut pidfile = self.pidfile.as_deref().map(|path| Locked::open(&mut made, path)).transpose()?;
        let mut daemon = Daemonize::new().working_directory(env::current_dir().unwrap_or_else(|_| "/".into()));
        if let Some(path) = &self.logfile {
            daemon = daemon.stderr(made.open("logfile", path)?);
        }
        let (reader, writer) = io::pipe().map_err(DaemonError::NoPipe)?;
        match daemon.execute() {
            Outcome::Parent(forked) => {
                forked?;
                // From now on they are the other process's.
                made.keep();
                drop((pidfile, writer));
                wait(reader).map_err(|(code, sentence)| DaemonError::NotReady { code, sentence })?;
                process::exit(0)
            }
            Outcome::Child(detached) => {
                drop(reader);
                keep(writer);
                let detached = detached.map_err(DaemonError::from);
                if let Err(refused) = detached.and_then(|_| pidfile.as_mut().map_or(Ok(()), Locked::write)) {
                    drop(made);
                    // Whoever waits in the foreground says it.
                    failed(refused.exit_code(), &refused.to_string());
                    process::exit(refused.exit_code().into())
                }
                made.keep();
                Ok(Pidfile(pidfile))
            }
        }
    }
}

/// Goes into the background if this process's command line asks for it.
pub(crate) fn start_if_asked() -> Result<Option<Pidfile>, DaemonError> {
    let (daemon, _) = split(arguments())?;
    daemon.map(|daemon| daemon.start()).transpose()
}

/// The command line's arguments without those that are meant for this module.
pub(crate) fn without_flags(arguments: Vec<String>) -> Vec<String> {
    // A mistake in them has ended the process before.
    split(arguments.iter().cloned()).map_or(arguments, |(_, rest)| rest)
}

fn split(arguments: impl Iterator<Item = String>) -> Result<(Option<Daemon>, Vec<String>), DaemonError> {
    let (mut asked, mut daemon, mut rest) = (false, Daemon::default(), Vec::new());
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let (name, value) =
            argument.split_once('=').map_or((argument.as_str(), None), |(n, v)| (n, Some(v.to_owned())));
        let place = match name {
            "--daemon" => {
                asked = true;
                continue;
            }
            "--pidfile" => &mut daemon.pidfile,
            "--logfile" => &mut daemon.logfile,
            _ => {
                rest.push(argument);
                continue;
            }
        };
        let missing = || DaemonError::Flags(format!("{name}: a path is missing after it"));
        *place = Some(value.or_else(|| arguments.next()).ok_or_else(missing)?.into());
    }
    if !asked && daemon != Daemon::default() {
        let why = "--pidfile and --logfile go with --daemon; a process in the foreground logs to standard error";
        return Err(DaemonError::Flags(why.to_owned()));
    }
    Ok((asked.then_some(daemon), rest))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        path::Path,
    };

    use super::*;

    fn of(arguments: &[&str]) -> Result<(Option<Daemon>, Vec<String>), String> {
        split(arguments.iter().map(|text| (*text).to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn its_flags_are_told_from_those_of_the_configuration() {
        let (daemon, rest) = of(&["--lease", "2s", "--daemon", "--pidfile=/run/x.pid", "--logfile", "x.log"]).unwrap();
        let expected = Daemon { pidfile: Some("/run/x.pid".into()), logfile: Some("x.log".into()) };
        assert_eq!((daemon, rest), (Some(expected), vec!["--lease".to_owned(), "2s".to_owned()]));
        assert_eq!(of(&["--lease=2s"]).unwrap().0, None);
        assert!(of(&["--pidfile", "x"]).unwrap_err().contains("go with --daemon"));
        assert!(of(&["--daemon", "--pidfile"]).unwrap_err().contains("a path is missing"));
    }

    #[test]
    fn a_pidfile_that_cannot_be_used_is_one_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let of = |path: &Path| Daemon { pidfile: Some(path.to_owned()), logfile: None };
        let nowhere = directory.path().join("none/x.pid");
        let said = of(&nowhere).start().unwrap_err().to_string();
        assert!(said.starts_with(&format!("cannot write the pidfile {}: ", nowhere.display())), "{said}");
        assert!(!directory.path().join("none").exists());
        let held = directory.path().join("held.pid");
        fs::write(&held, "4711\n").unwrap();
        let lock = File::open(&held).unwrap();
        lock.lock().unwrap();
        let said = of(&held).start().unwrap_err().to_string();
        assert!(said.contains("(process 4711); stop that one first"), "{said}");
        assert_eq!(fs::read_to_string(&held).unwrap(), "4711\n");
    }

    #[test]
    fn a_start_that_comes_to_nothing_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let nowhere = path("none/x");
        let start = |pidfile: &Path, logfile: &Path| {
            let daemon = Daemon { pidfile: Some(pidfile.to_owned()), logfile: Some(logfile.to_owned()) };
            daemon.start().unwrap_err().to_string()
        };
        let said = start(&path("x.pid"), &nowhere);
        assert!(said.starts_with(&format!("cannot write the logfile {}: ", nowhere.display())), "{said}");
        start(&nowhere, &path("x.log"));
        let held = File::create(path("held.pid")).unwrap();
        held.lock().unwrap();
        start(&path("held.pid"), &path("x.log"));
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["held.pid"], "what was there stays");
        // What was there before stays, too, as it was.
        fs::write(path("old.pid"), "4711\n").unwrap();
        start(&path("old.pid"), &nowhere);
        assert_eq!(fs::read_to_string(path("old.pid")).unwrap(), "4711\n");
    }
}
