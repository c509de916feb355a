//! Where a cluster file is. What is relative in it is relative to its folder, wherever `sky` was started.

use std::{
    env,
    path::{Component, Path, PathBuf},
};

use skyloom::config::{FILE_VARIABLE, Settings, Sources};

use crate::{failure::Failure, session::Global, text::why};

/// The usual name of what the processes read when they start.
const SETTINGS: &str = "skyloom.toml";

/// The cluster file that is meant if none is named.
const USUAL: &str = "cluster.toml";

/// A cluster file's place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The file as it was typed, and is shown.
    given: PathBuf,
    /// The current directory, to which what is typed is relative.
    here: PathBuf,
    /// The file's folder, to which what is written in it is relative; the current directory, if the file is handed over.
    folder: PathBuf,
    /// It is what the shell makes of `<(...)`, or standard input, and has no name of its own.
    is_handed_over: bool,
}

/// Whether a path is that of an open file of this process: what a shell makes of `<(...)`, or `/dev/stdin`.
fn is_handed_over(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(Path::new(""));
    path == Path::new("/dev/stdin")
        || folder == Path::new("/dev/fd")
        || path.starts_with("/proc") && folder.ends_with("fd")
}

impl Place {
    /// The place of the file at this path.
    ///
    /// # Errors
    /// If there is no current directory.
    pub(crate) fn of(given: &Path) -> Result<Self, Failure> {
        let here = env::current_dir()
            .map_err(|error| Failure::failed(format!("cannot tell the current directory: {}", why(&error))))?;
        Ok(Self::seen_from(given, here))
    }

    /// The place of the file that was named, or else of `cluster.toml` in the current directory, if it is there.
    ///
    /// # Errors
    /// If there is no current directory.
    pub(crate) fn of_usual(named: Option<&Path>) -> Result<Option<Self>, Failure> {
        let usual = Path::new(USUAL);
        named.or_else(|| usual.exists().then_some(usual)).map(Self::of).transpose()
    }

    /// The place of the file at this path, seen from this directory.
    pub(super) fn seen_from(given: &Path, here: PathBuf) -> Self {
        let is_handed_over = is_handed_over(given);
        let folder = if is_handed_over { Path::new("") } else { given.parent().unwrap_or(Path::new("")) };
        Self { given: given.to_owned(), folder: absolute(&here, folder), here, is_handed_over }
    }

    /// The file as it was typed.
    pub(crate) fn given(&self) -> &Path {
        &self.given
    }

    /// Its folder: there its processes run.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file, wherever it is looked at from.
    pub(super) fn file(&self) -> PathBuf {
        if self.is_handed_over {
            self.given.clone()
        } else {
            self.folder.join(self.given.file_name().unwrap_or_default())
        }
    }

    /// Whether the file can be read but once, as a pipe can.
    pub(super) fn is_read_once(&self) -> bool {
        self.given.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
    }

    /// What the processes read when they start: `skyloom.toml` in the folder, or what a variable names here.
    pub(super) fn settings_file(&self) -> PathBuf {
        self.named_settings().unwrap_or_else(|| self.folder.join(SETTINGS))
    }

    /// The same, if a variable names it.
    pub(super) fn named_settings(&self) -> Option<PathBuf> {
        env::var_os(FILE_VARIABLE).map(|named| absolute(&self.here, Path::new(&named)))
    }

    /// What processes that run in the folder are configured by, with `sky`'s own flags.
    pub(crate) fn sources(&self, section: Option<&str>, global: &Global) -> Sources {
        let mut sources = global.sources(section);
        if self.named_settings().is_none() {
            let beside =
                if self.is_handed_over { PathBuf::from(SETTINGS) } else { self.given.with_file_name(SETTINGS) };
            sources.file = Some(beside).filter(|file| file.exists());
        }
        sources
    }

    /// The configuration of `sky` itself.
    ///
    /// # Errors
    /// The first mistake in it.
    pub(super) fn settings(&self, global: &Global) -> Result<Settings, Failure> {
        Settings::load(&self.sources(None, global)).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// A path that means the same everywhere. Neither `.` nor `..` is in it, which systemd refuses; what is a link stays one,
/// unless `..` follows it.
pub(super) fn absolute(folder: &Path, path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                found = found.canonicalize().unwrap_or(found);
                found.pop();
            }
            other => found.push(other),
        }
    }
    found
}

/// A URL whose socket means the same to processes that run elsewhere.
pub(super) fn socket(folder: &Path, url: &str) -> String {
    match url.strip_prefix("unix:") {
        Some(path) if Path::new(path).is_relative() && !path.is_empty() => {
            format!("unix:{}", absolute(folder, Path::new(path)).display())
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_beside_what_it_names() {
        for (given, folder) in
            [("cluster.toml", "/srv"), ("./shop/cluster.toml", "/srv/shop"), ("/etc/shop.toml", "/etc")]
        {
            let place = Place::seen_from(Path::new(given), "/srv".into());
            assert_eq!(place.folder(), Path::new(folder));
            assert_eq!(place.file(), Path::new(folder).join(Path::new(given).file_name().unwrap()));
        }
    }

    #[test]
    fn what_is_handed_over_counts_as_written_here() {
        for given in ["/dev/fd/63", "/dev/stdin", "/proc/self/fd/3", "/proc/12/fd/63"] {
            let place = Place::seen_from(Path::new(given), "/srv".into());
            assert_eq!((place.folder(), place.file().as_path()), (Path::new("/srv"), Path::new(given)));
            assert_eq!(place.settings_file(), Path::new("/srv/skyloom.toml"));
        }
        let place = Place::seen_from(Path::new("/proc/self/cwd/cluster.toml"), "/srv".into());
        assert_eq!(place.folder(), Path::new("/proc/self/cwd"));
    }

    #[test]
    fn a_path_is_plain_and_its_links_stay() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
        for (path, plain) in
            [("./qr", "qr"), ("link/./qr", "link/qr"), ("link/../qr", "a/qr"), ("new/../../qr", "../qr"), ("/x", "/x")]
        {
            let expected = if plain == "../qr" { root.parent().unwrap().join("qr") } else { root.join(plain) };
            assert_eq!(absolute(&root, Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_relative_socket_is_made_absolute() {
        assert_eq!(socket(Path::new("/srv"), "unix:run/broker.sock"), "unix:/srv/run/broker.sock");
        assert_eq!(socket(Path::new("/srv"), "unix:/run/broker.sock"), "unix:/run/broker.sock");
        assert_eq!(socket(Path::new("/srv"), "local:"), "local:");
    }
}
