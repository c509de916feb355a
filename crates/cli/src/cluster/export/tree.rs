//! Files to be written.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// What is private: nobody else may read it.
const PRIVATE: u32 = 0o600;

/// Files by their path, with their modes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<PathBuf, (String, u32)>);

impl Tree {
    /// A file that everybody may read.
    pub(super) fn file(&mut self, path: impl Into<PathBuf>, text: String) {
        self.0.insert(path.into(), (text, 0o644));
    }

    /// A program.
    pub(super) fn program(&mut self, path: impl Into<PathBuf>, text: String) {
        self.0.insert(path.into(), (text, 0o755));
    }

    /// A file that may hold a password.
    pub(super) fn secret(&mut self, path: impl Into<PathBuf>, text: String) {
        self.0.insert(path.into(), (text, PRIVATE));
    }

    /// The paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// Writes all files into a directory. Each takes its place whole, since a supervisor may read it any time.
    ///
    /// # Errors
    /// The first that cannot be written.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        for (path, (text, mode)) in &self.0 {
            let path = directory.join(path);
            write(&path, text, *mode)
                .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))?;
        }
        Ok(())
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
