//! Files to be written.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{failure::Failure, text::why};

/// What is private: nobody else may read it.
const PRIVATE: u32 = 0o600;

/// Files to be written, by their path, with their modes.
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

    /// Whether it has this file, or something in this folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.paths().any(|own| own.starts_with(path))
    }

    /// The files that are in a directory already, and will be others in the part that counts.
    pub(super) fn changes(&self, directory: &Path, part: impl Fn(&str) -> &str) -> Vec<PathBuf> {
        let differs = |path: &Path, text: &str| {
            fs::read_to_string(directory.join(path)).is_ok_and(|earlier| part(&earlier) != part(text))
        };
        self.0.iter().filter(|(path, (text, _))| differs(path, text)).map(|(path, _)| path.clone()).collect()
    }

    /// Writes all files into a directory. Each takes its place whole, since a supervisor may read it any time.
    ///
    /// # Errors
    /// The first that cannot be written.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        for (path, (text, mode)) in &self.0 {
            let path = directory.join(path);
            write(&path, text, *mode)
                .map_err(|error| Failure::failed(format!("cannot write {}: {}", path.display(), why(&error))))?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let make = |directory: &Path, mode| DirBuilder::new().recursive(true).mode(mode).create(directory);
    make(directory.parent().unwrap_or(Path::new(".")), 0o755)?;
    make(directory, if mode == PRIVATE { 0o700 } else { 0o755 })?;
    let new = path.with_added_extension("new");
    // One that was left behind may have another mode.
    drop(fs::remove_file(&new));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_take_their_places_with_their_modes() {
        let directory = tempfile::tempdir().unwrap();
        let mut tree = Tree::default();
        tree.program("qr.1/run", "#!/bin/sh\n".to_owned());
        tree.secret("qr.1/env/TOKEN", "x\n".to_owned());
        let changes = |tree: &Tree| tree.changes(directory.path(), |text| text);
        assert!(changes(&tree).is_empty(), "what is new has not changed");
        tree.write(directory.path()).unwrap();
        tree.secret("qr.1/env/TOKEN", "y\n".to_owned());
        assert_eq!(changes(&tree), [Path::new("qr.1/env/TOKEN")]);
        tree.write(directory.path()).unwrap();
        assert!(changes(&tree).is_empty());
        let mode = |path: &str| fs::metadata(directory.path().join(path)).unwrap().permissions().mode() & 0o777;
        let modes = ["qr.1", "qr.1/run", "qr.1/env", "qr.1/env/TOKEN"].map(mode);
        assert_eq!(modes, [0o755, 0o755, 0o700, 0o600], "only what holds a secret is private");
        assert!(tree.has(Path::new("qr.1")) && tree.has(Path::new("qr.1/run")) && !tree.has(Path::new("qr")));
        assert_eq!(fs::read_dir(directory.path().join("qr.1")).unwrap().count(), 2);
    }
}
