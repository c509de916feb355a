//! Waits for changes of sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, event::ModifyKind};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, timeout_at},
};

use super::folders::{MAX_FOLDERS, below, changed_since, holds_sources, is_source};

/// Changes are taken together until none has come for so long: an editor saves several files, and each in steps.
const QUIET: Duration = Duration::from_millis(60);

/// But no longer than this, if something writes without end.
const LONGEST: Duration = Duration::from_secs(2);

/// The most changes that wait to be looked at. What finds no room is lost, and whoever looks is told so.
const WAITING: usize = 1_024;

/// Something was written, has come or has gone.
struct Change {
    path: PathBuf,
    /// It may be another one than before under this name.
    is_other: bool,
}

/// What the system has told.
enum News {
    Change(Change),
    /// It, or we, had no room for all that has changed.
    Lost,
}

/// Follows the sources of programs. The system's own notices are taken by a thread of `notify`'s.
pub(in super::super) struct Watcher {
    watcher: RecommendedWatcher,
    changes: mpsc::Receiver<Change>,
    lost: Arc<Notify>,
    /// When sources were looked at last.
    looked: SystemTime,
    /// The directories that packages are in.
    roots: BTreeSet<PathBuf>,
    /// Those that are watched.
    folders: BTreeSet<PathBuf>,
    /// Those that cannot be, which is said once.
    refused: BTreeSet<PathBuf>,
    /// The files that were named.
    named: BTreeSet<PathBuf>,
    /// The files that the programs were made of when they were built.
    inputs: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Watches the directories below these, and these files.
    ///
    /// # Errors
    /// If the system does not let us, with what to do.
    pub(super) fn new(roots: BTreeSet<PathBuf>, files: BTreeSet<PathBuf>) -> Result<Self, String> {
        let (sender, changes) = mpsc::channel(WAITING);
        let lost = Arc::new(Notify::new());
        let told = Arc::clone(&lost);
        let notice = move |event: notify::Result<Event>| {
            let Ok(event) = event else { return told.notify_one() };
            if event.need_rescan() {
                told.notify_one();
            }
            let Some(is_other) = is_change(event.kind) else { return };
            for path in event.paths {
                if sender.try_send(Change { path, is_other }).is_err() {
                    told.notify_one();
                }
            }
        };
        let watcher = notify::recommended_watcher(notice).map_err(|error| explained(&error, Path::new("")))?;
        let mut this = Self {
            watcher,
            changes,
            lost,
            looked: SystemTime::now(),
            roots: BTreeSet::new(),
            folders: BTreeSet::new(),
            refused: BTreeSet::new(),
            named: files.clone(),
            inputs: BTreeSet::new(),
        };
        this.follow(roots, &files)?;
        Ok(this)
    }

    /// Watches these as well.
    ///
    /// # Errors
    /// The first that the system does not let us watch, with what to do, if that was not said before; all others are
    /// watched.
    pub(super) fn follow(&mut self, roots: BTreeSet<PathBuf>, files: &BTreeSet<PathBuf>) -> Result<(), String> {
        self.roots.extend(roots.iter().cloned());
        let beside = files.iter().filter_map(|file| Some(file.parent()?.to_path_buf()));
        let mut result = Ok(());
        for folder in below(roots).into_iter().chain(beside) {
            if !self.folders.contains(&folder) {
                result = result.and(self.watch(folder));
            }
        }
        result
    }

    fn watch(&mut self, folder: PathBuf) -> Result<(), String> {
        let why = if self.folders.len() >= MAX_FOLDERS {
            let folder = folder.display();
            format!("there are more than {MAX_FOLDERS} directories of sources, {folder} among them")
        } else {
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.refused.remove(&folder);
                    self.folders.insert(folder);
                    return Ok(());
                }
                Err(error) => explained(&error, &folder),
            }
        };
        // A program may be made of files that are not there. Once they are, the next build tells.
        if folder.is_dir() && self.refused.insert(folder) { Err(why) } else { Ok(()) }
    }

    fn unwatch(&mut self, folder: &Path) {
        if self.folders.remove(folder) {
            // The system forgets a directory that is removed.
            drop(self.watcher.unwatch(folder));
        }
    }

    /// These are what the programs are made of.
    ///
    /// # Errors
    /// As for [`Watcher::follow`].
    pub(super) fn made_of(&mut self, inputs: BTreeSet<PathBuf>) -> Result<(), String> {
        self.inputs = inputs;
        let files = self.inputs.clone();
        self.follow(BTreeSet::new(), &files)
    }

    /// Resolves when sources have changed and nothing has for a moment: which.
    pub(in super::super) async fn changed(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        while changed.is_empty() {
            let first = self.next().await;
            let end = Instant::now() + LONGEST;
            self.take(first, &mut changed);
            while let Ok(next) = timeout_at(end.min(Instant::now() + QUIET), self.next()).await {
                self.take(next, &mut changed);
            }
        }
        self.looked = SystemTime::now();
        changed
    }

    async fn next(&mut self) -> News {
        tokio::select! {
            biased;
            Some(change) = self.changes.recv() => News::Change(change),
            () = self.lost.notified() => News::Lost,
        }
    }

    fn take(&mut self, news: News, changed: &mut BTreeSet<PathBuf>) {
        let Change { path, is_other } = match news {
            News::Change(change) => change,
            News::Lost => return self.look(changed),
        };
        if path.is_dir() {
            let is_new = if self.folders.contains(&path) { is_other } else { holds_sources(&path) };
            if is_new {
                self.watch_anew([path.clone()].into());
                // What was put there before it was watched.
                let files = below([path]).into_iter().filter_map(|folder| fs::read_dir(folder).ok());
                let files = files.flatten().flatten().map(|entry| entry.path());
                changed.extend(files.filter(|path| path.is_file() && self.matters(path)));
            }
        } else if self.folders.contains(&path) {
            // It may come back.
            self.unwatch(&path);
            changed.insert(path);
        } else if self.matters(&path) {
            changed.insert(path);
        }
    }

    /// Watches these, and all below them, whether or not they were watched: one that was removed and has come back is
    /// another one to the system. Which they were.
    fn watch_anew(&mut self, roots: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let mut done = BTreeSet::new();
        // What comes while it is looked for is found the next time.
        loop {
            let found: Vec<PathBuf> =
                below(roots.clone()).into_iter().filter(|folder| !done.contains(folder)).collect();
            if found.is_empty() {
                return done;
            }
            for folder in found {
                self.unwatch(&folder);
                // What cannot be watched is found by the next build that something else starts.
                drop(self.watch(folder.clone()));
                done.insert(folder);
            }
        }
    }

    /// Looks for changes where it was not told of them all.
    fn look(&mut self, changed: &mut BTreeSet<PathBuf>) {
        let gone: Vec<PathBuf> = self.folders.iter().filter(|folder| !folder.is_dir()).cloned().collect();
        for folder in gone {
            self.unwatch(&folder);
            changed.insert(folder);
        }
        let done = self.watch_anew(self.roots.clone());
        for folder in self.folders.difference(&done).cloned().collect::<Vec<_>>() {
            self.unwatch(&folder);
            drop(self.watch(folder));
        }
        for folder in &self.folders {
            changed.extend(changed_since(folder, self.looked).filter(|path| self.matters(path) || path == folder));
        }
    }

    fn matters(&self, path: &Path) -> bool {
        is_source(path) || self.named.contains(path) || self.inputs.contains(path)
    }
}

/// Whether something has changed, and if so whether there may be another one under its name. Reading is no change, and
/// cargo reads everything. Times and rights change no program.
fn is_change(kind: EventKind) -> Option<bool> {
    match kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => None,
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Create(_) | EventKind::Remove(_) => Some(true),
        _ => Some(false),
    }
}

fn explained(error: &notify::Error, folder: &Path) -> String {
    let folder = folder.display();
    match &error.kind {
        ErrorKind::MaxFilesWatch => format!(
            "the system watches no more directories than it does already, and {folder} is left: raise its limit, on \
             Linux with `sudo sysctl fs.inotify.max_user_watches=524288`"
        ),
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
        let mut watcher = Watcher::new(BTreeSet::from([root.clone()]), BTreeSet::new()).unwrap();
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

    /// A directory with one source, and its watcher.
    fn watched() -> (tempfile::TempDir, PathBuf, Watcher) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir(root.join("src")).unwrap();
        fs::write(root.join("src/main.rs"), "x").unwrap();
        let watcher = Watcher::new(BTreeSet::from([root.clone()]), BTreeSet::new()).unwrap();
        (directory, root, watcher)
    }

    #[tokio::test]
    async fn a_change_is_noticed_behind_more_others_than_there_is_room_for() {
        let (_directory, root, mut watcher) = watched();
        // Older than what is taken for new.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        watcher.looked = SystemTime::now();
        for number in 0..3 * WAITING {
            fs::write(root.join(format!("noise.{}.log", number % 2)), "x").unwrap();
        }
        // Until nothing more of it is on its way.
        tokio::time::sleep(Duration::from_millis(500)).await;
        fs::write(root.join("src/more.rs"), "x").unwrap();
        let changed = watcher.changed().await;
        assert!(
            changed.contains(&root.join("src/more.rs")) && !changed.contains(&root.join("src/main.rs")),
            "{changed:?}"
        );
        // What comes from then on is noticed as before.
        fs::write(root.join("src/main.rs"), "y").unwrap();
        assert!(watcher.changed().await.contains(&root.join("src/main.rs")));
    }

    #[tokio::test]
    async fn a_directory_that_was_away_for_a_moment_is_watched_again() {
        let (_directory, root, mut watcher) = watched();
        fs::create_dir(root.join("src/deep")).unwrap();
        fs::write(root.join("src/deep/new.rs"), "x").unwrap();
        assert!(!watcher.changed().await.is_empty());
        let change = |word: &str| fs::write(root.join("src/deep/new.rs"), word).unwrap();
        // Before anybody looks.
        fs::remove_dir_all(root.join("src")).unwrap();
        fs::create_dir_all(root.join("src/deep")).unwrap();
        change("y");
        assert!(watcher.changed().await.contains(&root.join("src/deep/new.rs")));
        change("z");
        assert_eq!(watcher.changed().await, BTreeSet::from([root.join("src/deep/new.rs")]));
    }

    #[tokio::test]
    async fn a_file_that_is_named_is_followed_whatever_it_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let file = root.join(".cluster");
        let mut watcher = Watcher::new(BTreeSet::new(), BTreeSet::from([file.clone()])).unwrap();
        fs::write(root.join(".other"), "x").unwrap();
        // As an editor saves it.
        fs::write(root.join("new"), "x").unwrap();
        fs::rename(root.join("new"), &file).unwrap();
        assert_eq!(watcher.changed().await, BTreeSet::from([file]));
    }

    #[tokio::test]
    async fn what_is_not_there_need_not_be_watched_until_it_comes() {
        let (_directory, root, mut watcher) = watched();
        let missing = root.join("conf/none/missing.env");
        watcher.made_of(BTreeSet::from([missing.clone()])).unwrap();
        fs::create_dir_all(missing.parent().unwrap()).unwrap();
        fs::write(&missing, "x").unwrap();
        assert!(watcher.changed().await.contains(&missing));
    }
}
