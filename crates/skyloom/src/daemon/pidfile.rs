//! [`Pidfile`]: a process id in a file that is locked, so that whoever reads it knows that the process runs.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process,
};

use super::error::{DaemonError, unwritable};

/// How often a pidfile is opened that is taken away meanwhile: each time, another process has ended just then.
const TRIES: u32 = 3;

/// The files that a start has made. They go again with it if it comes to nothing.
#[derive(Debug, Default)]
pub(super) struct Made(Vec<PathBuf>);

impl Made {
    pub(super) fn open(&mut self, what: &'static str, path: &Path) -> Result<File, DaemonError> {
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

    pub(super) fn keep(&mut self) {
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

/// A pidfile that no other process has.
#[derive(Debug)]
pub(super) struct Locked {
    path: PathBuf,
    /// The lock is the open file's. A process that is forked has the same one, and so nobody comes between a start and
    /// the process in the background.
    file: File,
}

impl Locked {
    pub(super) fn open(made: &mut Made, path: &Path) -> Result<Self, DaemonError> {
        Self::of(made, path, |made| made.open("pidfile", path))
    }

    /// The pidfile, opened by this function, which may be slow.
    fn of(
        made: &mut Made,
        path: &Path,
        mut open: impl FnMut(&mut Made) -> Result<File, DaemonError>,
    ) -> Result<Self, DaemonError> {
        let mut pid = String::new();
        for _ in 0..TRIES {
            let file = open(made)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, path) => return Ok(Self { path: path.to_owned(), file }),
                // Whoever had it has just taken it away, and what is there now is another's.
                Ok(()) => made.forget(path),
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
    pub(super) fn write(&mut self) -> Result<(), DaemonError> {
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

/// A pidfile, locked until it is dropped, and removed then.
#[derive(Debug)]
#[must_use = "the pidfile is removed with it"]
pub struct Pidfile(pub(super) Option<Locked>);

impl Drop for Pidfile {
    fn drop(&mut self) {
        // If somebody has taken it away, what is there now is another's.
        if let Some(Locked { path, file }) = &self.0
            && is_at(file, path)
        {
            // Where only the file may be written and not its directory, it stays, and is no longer locked.
            drop(fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pidfile_that_another_start_has_locked_first_is_that_ones() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("quick.pid");
        let mut made = Made::default();
        drop(made.open("pidfile", &path).unwrap());
        let quicker = File::open(&path).unwrap();
        quicker.lock().unwrap();
        assert!(matches!(Locked::open(&mut made, &path), Err(DaemonError::Runs { .. })));
        drop(made);
        assert!(path.exists());
    }

    #[test]
    fn a_pidfile_that_is_replaced_while_it_is_opened_is_opened_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.pid");
        // Another process ends and takes it away, and the next one makes it anew, before it can be locked here.
        let replaced = |made: &mut Made| {
            let file = made.open("pidfile", &path)?;
            fs::remove_file(&path).unwrap();
            fs::write(&path, "4711\n").unwrap();
            Ok(file)
        };
        let mut made = Made::default();
        let mut times = 0;
        let locked = Locked::of(&mut made, &path, |made| {
            times += 1;
            if times == 1 { replaced(made) } else { made.open("pidfile", &path) }
        });
        assert!(is_at(&locked.unwrap().file, &path) && times == 2);

        let mut holder = None;
        let runs = Locked::of(&mut made, &path, |made| {
            if holder.is_some() {
                return made.open("pidfile", &path);
            }
            let file = replaced(made);
            let other = File::open(&path).unwrap();
            other.lock().unwrap();
            holder = Some(other);
            file
        });
        assert!(runs.unwrap_err().to_string().contains("(process 4711); stop that one first"));

        // It gives up after a while, and leaves to others what is theirs.
        fs::remove_file(&path).unwrap();
        assert!(matches!(Locked::of(&mut made, &path, replaced), Err(DaemonError::Runs { .. })));
        drop(made);
        assert_eq!(fs::read_to_string(&path).unwrap(), "4711\n");
    }

    #[test]
    fn a_process_takes_away_only_its_own_pidfile() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.pid");
        let started = || {
            let mut made = Made::default();
            let locked = Locked::open(&mut made, &path).unwrap();
            made.keep();
            Pidfile(Some(locked))
        };
        drop(started());
        assert!(!path.exists());
        let first = started();
        fs::remove_file(&path).expect("somebody has taken it away");
        let second = started();
        drop(first);
        assert!(path.exists(), "it is the second one's");
        drop(second);
        assert!(!path.exists());
    }
}
