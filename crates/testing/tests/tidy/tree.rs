//! The files of the workspace, read once.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// One text file, with its path relative to the workspace and `/` between the parts.
#[derive(Debug)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) executable: bool,
}

impl TextFile {
    /// A file of this content, for the tests of the rules.
    pub(crate) fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), executable: true }
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(crate) fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// The root of the workspace: the folder of its lock file.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .expect("the workspace has a Cargo.lock above this crate")
        .to_owned()
}

/// Every text file below `root` that belongs to the project.
pub(crate) fn read(root: &Path) -> io::Result<Vec<TextFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let kind = entry.file_type()?;
            if kind.is_dir() && belongs(&path) {
                folders.push(path);
            } else if kind.is_file() {
                let Ok(text) = fs::read_to_string(&path) else { continue };
                let executable = entry.metadata()?.permissions().mode() & 0o111 != 0;
                let parts = path.strip_prefix(root).map_err(io::Error::other)?;
                let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
                files.push(TextFile { path: parts.join("/"), text, executable });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Build output marks itself with a tag file; of the hidden folders only `.ci` and `.github` are ours.
fn belongs(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && name != ".ci" && name != ".github";
    !hidden && name != "target" && !folder.join("CACHEDIR.TAG").exists()
}
