//! Waits for changes of sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, event::ModifyKind};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::folders::{MAX_FOLDERS, below, holds_sources, is_source};

/// Changes are taken together until none has come for so long: an editor saves several files, and each in steps.
const QUIET: Duration = Duration::from_millis(60);

/// But no longer than this, if something writes without end.
const LONGEST: Duration = Duration::from_secs(2);

/// The most changes that wait to be looked at; whoever looks needs to know only that there are some.
const WAITING: usize = 1_024;

/// Follows the sources of programs. The system's own notices are taken by a thread of `notify`'s.
pub(in super::super) struct Watcher {
    watcher: RecommendedWatcher,
    changes: mpsc::Receiver<PathBuf>,
    folders: BTreeSet<PathBuf>,
    /// The files that the programs were made of when they were built.
    inputs: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Watches the directories below these, and these files.
    ///
    /// # Errors
    /// If the system does not let us, with what to do.
    pub(super) fn new(roots: BTreeSet<PathBuf>, files: &BTreeSet<PathBuf>) -> Result<Self, String> {
        let (sender, changes) = mpsc::channel(WAITING);
        let notice = move |event: notify::Result<Event>| {
            for path in event.ok().filter(|event| is_change(event.kind)).into_iter().flat_map(|event| event.paths) {
                // When it is full, whoever looks will look anyway.
                drop(sender.try_send(path));
            }
        };
        let watcher = notify::recommended_watcher(notice).map_err(|error| explained(&error, Path::new("")))?;
        let mut this = Self { watcher, changes, folders: BTreeSet::new(), inputs: BTreeSet::new() };
        this.follow(roots, files)?;
        Ok(this)
    }

    /// Watches these as well.
    ///
    /// # Errors
    /// As for [`Watcher::new`].
    pub(super) fn follow(&mut self, roots: BTreeSet<PathBuf>, files: &BTreeSet<PathBuf>) -> Result<(), String> {
        let beside = files.iter().filter_map(|file| Some(file.parent()?.to_path_buf()));
        for folder in below(roots).into_iter().chain(beside) {
            if self.folders.contains(&folder) {
                continue;
            }
            if self.folders.len() >= MAX_FOLDERS {
                let folder = folder.display();
                return Err(format!("there are more than {MAX_FOLDERS} directories of sources, {folder} among them"));
            }
            self.watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(|error| explained(&error, &folder))?;
            self.folders.insert(folder);
        }
        Ok(())
    }

    /// These are what the programs are made of.
    ///
    /// # Errors
    /// As for [`Watcher::new`].
    pub(super) fn made_of(&mut self, inputs: BTreeSet<PathBuf>) -> Result<(), String> {
        self.inputs = inputs;
        let files = self.inputs.clone();
        self.follow(BTreeSet::new(), &files)
    }

    /// Resolves when sources have changed and nothing has for a moment: which.
    pub(in super::super) async fn changed(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        while changed.is_empty() {
            let Some(first) = self.changes.recv().await else { return std::future::pending().await };
            let end = Instant::now() + LONGEST;
            self.take(first, &mut changed);
            while let Ok(Some(next)) = timeout_at(end.min(Instant::now() + QUIET), self.changes.recv()).await {
                self.take(next, &mut changed);
            }
        }
        changed
    }

    fn take(&mut self, path: PathBuf, changed: &mut BTreeSet<PathBuf>) {
        if path.is_dir() {
            if !holds_sources(&path) || self.folders.contains(&path) {
                return;
            }
            // What cannot be watched is found by the next build that something else starts.
            drop(self.follow(BTreeSet::from([path.clone()]), &BTreeSet::new()));
            // What was put there before it was watched.
            let files = below([path]).into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
            changed.extend(files.map(|entry| entry.path()).filter(|path| path.is_file() && self.matters(path)));
        } else if self.folders.remove(&path) {
            // The system forgets a directory that is removed; it may come back.
            drop(self.watcher.unwatch(&path));
            changed.insert(path);
        } else if self.matters(&path) {
            changed.insert(path);
        }
    }

    fn matters(&self, path: &Path) -> bool {
        is_source(path) || self.inputs.contains(path)
    }
}

/// Reading is no change, and cargo reads everything. Times and rights change no program.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)))
}

fn explained(error: &notify::Error, folder: &Path) -> String {
    let folder = folder.display();
    match &error.kind {
        ErrorKind::MaxFilesWatch => format!(
            "the system watches no more directories than it does already, and {folder} is left: raise its limit, on \
             Linux with `sudo sysctl fs.inotify.max_user_watches=524288`"
        ),
        ErrorKind::PathNotFound => format!("{folder} does not exist any more"),
        _ => format!("the sources in {folder} cannot be watched: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_noticed_in_a_directory_that_came_later_too() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir(root.join("src")).unwrap();
        let mut watcher = Watcher::new(BTreeSet::from([root.clone()]), &BTreeSet::new()).unwrap();
        fs::write(root.join("src/.main.rs.swp"), "x").unwrap();
        fs::write(root.join("src/main.rs"), "x").unwrap();
        assert_eq!(watcher.changed().await, BTreeSet::from([root.join("src/main.rs")]));
        fs::create_dir(root.join("src/deep")).unwrap();
        fs::write(root.join("src/deep/new.rs"), "x").unwrap();
        assert!(watcher.changed().await.contains(&root.join("src/deep/new.rs")));
        // What else the program is made of matters, and nothing else does.
        watcher.made_of(BTreeSet::from([root.join("src/words.txt")])).unwrap();
        fs::write(root.join("src/up.log"), "x").unwrap();
        fs::write(root.join("src/words.txt"), "x").unwrap();
        assert_eq!(watcher.changed().await, BTreeSet::from([root.join("src/words.txt")]));
        // Reading is no change: the next one that is noticed is the removal.
        fs::read(root.join("src/main.rs")).unwrap();
        fs::remove_file(root.join("src/deep/new.rs")).unwrap();
        assert_eq!(watcher.changed().await, BTreeSet::from([root.join("src/deep/new.rs")]));
    }
}
