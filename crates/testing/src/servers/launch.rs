//! [`Launch`]: what to start.

use std::path::{Path, PathBuf};

use super::free_port;

/// What to start: a program, its arguments, its port and its directory. The directory is made first, so that
/// configuration files and certificates can be put into it; it goes with the server.
#[derive(Debug)]
pub struct Launch {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) port: u16,
    pub(super) directory: PathBuf,
    pub(super) at_end: String,
}

impl Launch {
    /// A program that is on the `PATH`, or in `/usr/sbin`, where Debian puts some servers.
    ///
    /// # Panics
    /// If it is not installed, no directory can be made, or `scripts/test.sh --embedded` says that no server is needed: one
    /// that happens to be installed would hide that it is.
    #[must_use]
    pub fn new(program: &str) -> Self {
        let embedded = std::env::var_os("TEST_EMBEDDED").is_some();
        assert!(!embedded, "{program} is not for --embedded: scripts/test.sh has to leave this test out there");
        let found = find(program);
        let found =
            found.unwrap_or_else(|| panic!("{program} is not installed; scripts/test.sh installs it or says how"));
        let directory = tempfile::tempdir().expect("a directory can be made").keep();
        Self {
            program: found.to_str().expect("its path is UTF-8").to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            port: free_port(),
            directory,
            at_end: String::new(),
        }
    }

    /// Whether [`Launch::new`] finds this program.
    #[must_use]
    pub fn is_installed(program: &str) -> bool {
        find(program).is_some()
    }

    /// The port that was chosen for it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory, in which it runs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// A shell command that is run after the server has ended for good, for instance to end a helper process
    /// that it leaves behind.
    #[must_use]
    pub fn at_end(mut self, command: impl Into<String>) -> Self {
        self.at_end = command.into();
        self
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    places.find_map(|place| Some(place.join(program)).filter(|path| path.is_file()))
}
