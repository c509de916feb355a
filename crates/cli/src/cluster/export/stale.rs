//! What an earlier writing has left behind that is no part of the cluster any more.
//!
//! The directory may hold anything else: a file is one of ours if it has the line that every writing puts into it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::tree::Tree;
use crate::{failure::Failure, text::why};

/// The largest file that may be one of ours, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The line by which a file is known as one of a cluster's.
pub(super) fn mark(cluster: &str, supervisor: &str) -> String {
    format!("# of the cluster {cluster}, written by sky supervise {supervisor}.")
}

/// The files of a folder of the directory that have the line and are not in the tree, by their paths in it.
pub(super) fn files(tree: &Tree, directory: &Path, folder: &Path, line: &str) -> Vec<PathBuf> {
    let is_stale = |path: &PathBuf| !tree.has(path) && is_marked(&directory.join(path), line);
    entries(directory, folder).into_iter().filter(is_stale).collect()
}

/// The folders of the directory whose program `run` has the line, without those of the tree.
pub(super) fn folders(tree: &Tree, directory: &Path, line: &str) -> Vec<PathBuf> {
    let is_stale = |path: &PathBuf| !tree.has(path) && is_marked(&directory.join(path).join("run"), line);
    entries(directory, Path::new("")).into_iter().filter(is_stale).collect()
}

/// All files of a folder that is the tree's alone, without those of the tree.
pub(super) fn others(tree: &Tree, directory: &Path, folder: &Path) -> Vec<PathBuf> {
    let is_stale = |path: &PathBuf| !tree.has(path) && directory.join(path).is_file();
    entries(directory, folder).into_iter().filter(is_stale).collect()
}

/// Removes a file, or an empty folder; it does not matter if it is gone already.
///
/// # Errors
/// If it cannot be removed.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::failed(format!("cannot remove {}: {}", path.display(), why(&error))))
        }
        _ => Ok(()),
    }
}

fn is_marked(file: &Path, line: &str) -> bool {
    let is_small = file.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
    is_small && fs::read_to_string(file).is_ok_and(|text| text.lines().any(|found| found == line))
}

/// What is in a folder of the directory, without what is hidden, in the order of the names.
fn entries(directory: &Path, folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(directory.join(folder)).into_iter().flatten();
    let names = names.filter_map(|entry| Some(entry.ok()?.file_name()));
    let mut paths: Vec<PathBuf> =
        names.filter(|name| !name.to_string_lossy().starts_with('.')).map(|name| folder.join(name)).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_line_is_ours_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        let line = mark("shop", "systemd");
        let write = |path: &str, text: &str| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let ours = format!("{line}\n[Unit]\n");
        let mut tree = Tree::default();
        tree.file("shop-qr@.service", ours.clone());
        tree.program("qr.1/run", ours.clone());
        for path in ["shop-qr@.service", "shop-old@.service", "shop/shop-old.env", ".shop-hidden.service"] {
            write(path, &ours);
        }
        write("shop-mine.service", "[Unit]\nPartOf=shop.target\n");
        write("shop2-old.service", &format!("{}\n", mark("shop2", "systemd")));
        write("shop-image.service", &format!("{ours}{}", " ".repeat(70_000)));
        for path in ["qr.1/run", "qr.2/run", ".qr.3/run"] {
            write(path, &format!("#!/bin/sh\n{ours}"));
        }
        write("mine/run", "#!/bin/sh\n");
        let here = Path::new("");
        assert_eq!(files(&tree, directory.path(), here, &line), [Path::new("shop-old@.service")]);
        assert_eq!(files(&tree, directory.path(), Path::new("shop"), &line), [Path::new("shop/shop-old.env")]);
        assert_eq!(folders(&tree, directory.path(), &line), [Path::new("qr.2")]);
        assert_eq!(others(&tree, directory.path(), Path::new("mine")), [Path::new("mine/run")]);
        assert_eq!(files(&tree, &directory.path().join("nowhere"), here, &line), Vec::<PathBuf>::new());

        remove(&directory.path().join("mine/run")).unwrap();
        remove(&directory.path().join("mine")).unwrap();
        remove(&directory.path().join("mine")).unwrap();
        assert!(remove(&directory.path().join("qr.2")).unwrap_err().to_string().starts_with("cannot remove "));
    }
}
