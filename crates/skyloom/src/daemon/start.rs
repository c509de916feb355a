//! From the foreground into the background.

use std::{
    env,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process,
};

use daemonize::{Daemonize, Outcome};

use super::report::{failed, keep, wait};
use crate::{arguments::arguments, exit::MISTAKE};

/// How often a pidfile is opened that is taken away meanwhile: each time, another process has ended just then.
const TRIES: u32 = 3;

/// What `--help` says of the flags.
pub(crate) const HELP: &str =
    "  --daemon        go into the background; the command waits until the program says that it is ready
  --pidfile PATH  with --daemon: keep the process id here, locked while the process runs
  --logfile PATH  with --daemon: append log lines here, which are lost otherwise
";

/// Why a process has not gone into the background.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// A flag that needs a path or --daemon beside it.
    #[error("{0}")]
    Flags(String),
    /// A file that cannot be written.
    #[error(
        "cannot write the {what} {}: {source}; name one with --{what} in a directory where this user may write", path.display()
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
    #[error("cannot go into the background: no pipe: {0}")]
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

/// How a process goes into the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daemon {
    /// Where its process id is kept.
    pub pidfile: Option<PathBuf>,
    /// Where its log lines go.
    pub logfile: Option<PathBuf>,
}

/// A pidfile, locked until it is dropped, and removed then.
#[derive(Debug)]
#[must_use = "the pidfile is removed with it"]
pub struct Pidfile(Option<Locked>);

impl Drop for Pidfile {
    fn drop(&mut self) {
        if let Some(Locked { path, .. }) = &self.0 {
            // Where only the file may be written and not its directory, it stays, and is no longer locked.
            drop(fs::remove_file(path));
        }
    }
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

/// A pidfile that no other process has.
#[derive(Debug)]
struct Locked {
    path: PathBuf,
    /// The lock is the open file's. A process that is forked has the same one, and so nobody comes between a start and
    /// the process in the background.
    file: File,
}

impl Locked {
    fn open(made: &mut Made, path: &Path) -> Result<Self, DaemonError> {
        let mut pid = String::new();
        for _ in 0..TRIES {
            let file = made.open("pidfile", path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => return Ok(Self { path: path.to_owned(), file }),
                // Whoever had it has just taken it away.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    // It is another's now, whoever has made it.
                    made.forget(path);
                    pid = fs::read_to_string(path).unwrap_or_default();
                    break;
                }
                Err(TryLockError::Error(source)) => return Err(unwritable("pidfile", path, source)),
            }
        }
        let pid = match pid.trim() {
            "" => "just starting".to_owned(),
            pid => pid.to_owned(),
        };
        Err(DaemonError::Runs { path: path.to_owned(), pid })
    }

    /// Writes this process's id.
    fn write(&mut self) -> Result<(), DaemonError> {
        let written =
            self.file.set_len(0).and_then(|()| self.file.write_all(format!("{}\n", process::id()).as_bytes()));
        written.map_err(|source| unwritable("pidfile", &self.path, source))
    }
}

/// Whether a file is still the one of this path.
fn is_at(file: &File, path: &Path) -> bool {
    let place = |found: Metadata| (found.dev(), found.ino());
    file.metadata().and_then(|own| Ok(place(own) == place(fs::metadata(path)?))).unwrap_or(false)
}

fn unwritable(what: &'static str, path: &Path, source: io::Error) -> DaemonError {
    DaemonError::Unwritable { what, path: path.to_owned(), source }
}

/// The files that a start has made. They go again with it if it comes to nothing.
#[derive(Debug, Default)]
struct Made(Vec<PathBuf>);

impl Made {
    fn open(&mut self, what: &'static str, path: &Path) -> Result<File, DaemonError> {
        let open = |is_new: bool| OpenOptions::new().append(true).create(true).create_new(is_new).open(path);
        let opened = match open(true) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(false),
            other => other.inspect(|_| self.0.push(path.to_owned())),
        };
        opened.map_err(|source| unwritable(what, path, source))
    }

    fn forget(&mut self, path: &Path) {
        self.0.retain(|made| made != path);
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            // One that cannot be removed is empty, and harms nobody.
            drop(fs::remove_file(path));
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
        // One that was made here, and locked by another before this start could: it is that one's.
        let mut made = Made::default();
        drop(made.open("pidfile", &path("quick.pid")).unwrap());
        let quicker = File::open(path("quick.pid")).unwrap();
        quicker.lock().unwrap();
        assert!(matches!(Locked::open(&mut made, &path("quick.pid")), Err(DaemonError::Runs { .. })));
        drop(made);
        fs::remove_file(path("quick.pid")).expect("it is still there");
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["held.pid"], "what was there stays");
        // What was there before stays, too, as it was.
        fs::write(path("old.pid"), "4711\n").unwrap();
        start(&path("old.pid"), &nowhere);
        assert_eq!(fs::read_to_string(path("old.pid")).unwrap(), "4711\n");
    }
}
