//! Files to be written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// What is private: nobody else may read it.
const PRIVATE: u32 = 0o600;

/// The largest file that may be one of ours, in bytes. They lie in a directory that may hold anything else.
const LARGEST: u64 = 64 * 1024;

/// Files to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// By their path, with their modes.
    files: BTreeMap<PathBuf, (String, u32)>,
    /// The directories in which there is nothing else.
    whole: BTreeSet<PathBuf>,
}

impl Tree {
    /// A file that everybody may read.
    pub(super) fn file(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), (text, 0o644));
    }

    /// A program.
    pub(super) fn program(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), (text, 0o755));
    }

    /// A file that may hold a password.
    pub(super) fn secret(&mut self, path: impl Into<PathBuf>, text: String) {
        self.files.insert(path.into(), (text, PRIVATE));
    }

    /// Has nothing in a directory but the tree's files: what is left there of an earlier writing goes.
    pub(super) fn whole(&mut self, directory: impl Into<PathBuf>) {
        self.whole.insert(directory.into());
    }

    /// The paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Writes all files into a directory. Each takes its place whole, since a supervisor may read it any time.
    ///
    /// # Errors
    /// The first that cannot be written or removed.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        for (path, (text, mode)) in &self.files {
            let path = directory.join(path);
            write(&path, text, *mode)
                .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))?;
        }
        for folder in &self.whole {
            for stale in self.others(directory, folder).filter(|path| path.is_file()) {
                fs::remove_file(&stale)
                    .map_err(|error| Failure::failed(format!("cannot remove {}: {error}", stale.display())))?;
            }
        }
        Ok(())
    }

    /// What is left of an earlier writing, by its path: a file with this line, or a directory with a file `run` that
    /// has it.
    pub(super) fn left(&self, directory: &Path, line: &str) -> Vec<PathBuf> {
        let has_line = |path: &Path| {
            let file = if path.is_dir() { path.join("run") } else { path.to_owned() };
            let is_small = file.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
            is_small && fs::read_to_string(file).is_ok_and(|text| text.lines().any(|found| found == line))
        };
        let mut left: Vec<PathBuf> = self.others(directory, Path::new("")).filter(|path| has_line(path)).collect();
        left.sort();
        left
    }

    /// What is in a folder of the directory beside what is in it in the tree.
    fn others(&self, directory: &Path, folder: &Path) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(directory.join(folder)).into_iter().flatten();
        entries.filter_map(move |entry| {
            let name = entry.ok()?.file_name();
            let known = folder.join(&name);
            let is_hidden = name.to_string_lossy().starts_with('.');
            let is_other = !is_hidden && !self.paths().any(|path| path.starts_with(&known));
            is_other.then(|| directory.join(known))
        })
    }
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(if mode == PRIVATE { 0o700 } else { 0o755 }).create(directory)?;
    let new = path.with_added_extension("new");
    // One that was left behind may have another mode.
    drop(fs::remove_file(&new));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_goes_or_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let tree = |processes: &[&str], variables: &[&str]| {
            let mut tree = Tree::default();
            for process in processes {
                tree.program(format!("{process}/run"), "#!/bin/sh\n# of the shop\n".to_owned());
                tree.whole(format!("{process}/env"));
                for variable in variables {
                    tree.secret(format!("{process}/env/{variable}"), "x\n".to_owned());
                }
            }
            tree
        };
        tree(&["qr.1", "qr.2"], &["A", "B"]).write(directory.path()).unwrap();
        fs::create_dir(directory.path().join("mine")).unwrap();
        fs::write(directory.path().join("mine/run"), "#!/bin/sh\n").unwrap();
        let newer = tree(&["qr.1"], &["A"]);
        newer.write(directory.path()).unwrap();
        assert!(directory.path().join("qr.1/env/A").exists());
        assert!(!directory.path().join("qr.1/env/B").exists());
        assert_eq!(newer.left(directory.path(), "# of the shop"), [directory.path().join("qr.2")]);
    }
}
