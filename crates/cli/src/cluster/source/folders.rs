//! The directories that sources are in.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The most directories that are watched; the system has a limit of its own.
pub(super) const MAX_FOLDERS: usize = 8_192;

/// The clock of the file system may be so far behind.
const COARSE: Duration = Duration::from_secs(1);

/// Cargo, and other tools, mark with it a directory that can be made anew.
const CACHE: &str = "CACHEDIR.TAG";

/// The files that packages are made of: modules, `Cargo.toml`, contracts.
const KINDS: [&str; 3] = ["rs", "toml", "proto"];

/// All directories below these, themselves included, without those that no source is in.
pub(super) fn below(roots: impl IntoIterator<Item = PathBuf>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut next: Vec<PathBuf> = roots.into_iter().collect();
    while let Some(folder) = next.pop() {
        if found.len() >= MAX_FOLDERS || found.contains(&folder) {
            continue;
        }
        // What cannot be read holds no source that cargo could read.
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        next.extend(folders.map(|entry| entry.path()).filter(|path| holds_sources(path)));
        found.insert(folder);
    }
    found
}

/// Whether a directory below a package's own may hold sources.
pub(super) fn holds_sources(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    !is_private(name) && name != "node_modules" && !folder.join(CACHE).exists()
}

/// Whether a file may become a part of a program, as far as its name tells: not logs, sockets, and what editors
/// keep for themselves. What else a program is made of is known once it is built.
pub(super) fn is_source(path: &Path) -> bool {
    let is_kind = path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known));
    is_kind && !is_private(path.file_name().unwrap_or_default())
}

/// What in a directory was written, or has come under its name, since then; the directory itself, if something in it has
/// come or gone.
pub(super) fn changed_since(folder: &Path, time: SystemTime) -> impl Iterator<Item = PathBuf> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(COARSE);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = entries.filter(|path| path.is_file()).chain([folder.to_path_buf()]);
    // Unlike the time of its content, nobody can set this one.
    let time = |found: &fs::Metadata| (found.ctime(), found.ctime_nsec());
    let since = (since.as_secs().cast_signed(), i64::from(since.subsec_nanos()));
    files.filter(move |path| path.metadata().is_ok_and(|found| time(&found) >= since))
}

fn is_private(name: &OsStr) -> bool {
    name.as_encoded_bytes().first().is_some_and(|first| matches!(first, b'.' | b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_and_what_tools_keep_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        for folder in ["src/deep", "proto", ".git/objects", "target/debug", "node_modules/x"] {
            fs::create_dir_all(directory.path().join(folder)).unwrap();
        }
        fs::write(directory.path().join("target").join(CACHE), "").unwrap();
        let found = below([directory.path().to_path_buf()]);
        let expected = ["", "proto", "src", "src/deep"].map(|folder| directory.path().join(folder));
        let expected: BTreeSet<PathBuf> = expected.into_iter().map(|path| path.components().collect()).collect();
        assert_eq!(found, expected);
        for (name, source) in
            [("main.rs", true), ("Cargo.toml", true), (".#main.rs", false), ("main.rs~", false), ("up.log", false)]
        {
            assert_eq!(is_source(Path::new(name)), source, "{name}");
        }
    }
}
