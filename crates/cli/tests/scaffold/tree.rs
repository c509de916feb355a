//! A folder as data.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

/// What a file holds, and whether it is a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) text: String,
    pub(crate) executable: bool,
}

/// The files below a folder, by their paths in it; Git's own are left out.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, File> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((path.file_name().unwrap() != ".git").then_some(path));
                continue;
            }
            let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0;
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            files.insert(path, File { text, executable });
        }
    }
    files
}
