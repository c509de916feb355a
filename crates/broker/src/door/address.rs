//! Where a broker is reached.

use std::{
    env, fmt, fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::{ffi::OsStrExt, fs::MetadataExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

/// The longest path of a Unix socket in bytes: `sun_path` without its final zero (unix(7) on
/// Linux, unix(4) on macOS and the BSDs).
pub(super) const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where a broker is reached: `unix:/path`, `tcp://127.0.0.1:4711`, or `local:` for the default
/// socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP on the loopback interface.
    Tcp(SocketAddr),
}

/// Text that is no broker's address, or one that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It has none of the known forms.
    #[error("{0:?} is not a broker's address: use local:, unix:/path/to/broker.sock or tcp://127.0.0.1:4711")]
    Form(String),
    /// A socket's path that depends on the current directory.
    #[error("the socket path {0:?} is relative; give an absolute one, such as unix:/run/skyloom/broker.sock")]
    Relative(String),
    /// A socket's path that the operating system cannot use.
    #[error("the socket path {path:?} has {length} bytes; this system allows {limit}, so choose a shorter one")]
    TooLong {
        /// The path.
        path: String,
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// An address that others on the network can reach.
    #[error(
        "{0} is not a loopback address: anybody on the network could use the broker, which needs TLS and \
         authentication, and this version has neither; use 127.0.0.1 or a Unix socket"
    )]
    Exposed(SocketAddr),
    /// The default socket's directory, made by somebody else.
    #[error(
        "the directory {} belongs to another user, who could listen there in the place of your broker; set \
         XDG_RUNTIME_DIR to a directory of yours, or name a broker",
        .0.display()
    )]
    Foreign(PathBuf),
}

impl Address {
    /// The default socket: `$XDG_RUNTIME_DIR/skyloom/broker.sock`, or
    /// `skyloom-<user id>/broker.sock` in the directory for temporary files.
    #[must_use]
    pub fn default_path() -> PathBuf {
        let directory = match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
            Some(runtime) if runtime.is_absolute() => runtime.join("skyloom"),
            _ => temporary(),
        };
        directory.join("broker.sock")
    }

    /// Whether a client may take whoever listens here for its user's broker: in the directory for temporary files
    /// everybody can make the directory that the default socket is to be in.
    ///
    /// # Errors
    /// [`AddressError::Foreign`] if it is somebody else's, and not root's.
    pub fn check_owner(&self) -> Result<(), AddressError> {
        let directory = temporary();
        match (self, effective_user().and_then(|user| user.parse().ok())) {
            (Self::Unix(path), Some(us)) if *path == directory.join("broker.sock") => check_owner(directory, us),
            _ => Ok(()),
        }
    }

    /// Whether a broker may listen here.
    ///
    /// # Errors
    /// [`AddressError`] if the path is too long or relative, or if the network could reach it.
    pub fn check(&self) -> Result<(), AddressError> {
        match self {
            Self::Unix(path) => check_path(path),
            Self::Tcp(address) if address.ip().is_loopback() => Ok(()),
            Self::Tcp(address) => Err(AddressError::Exposed(*address)),
        }
    }
}

impl Default for Address {
    fn default() -> Self {
        Self::Unix(Self::default_path())
    }
}

/// Whether a directory that is there is this user's, or root's; and so is the link to it, if it is one: another user's may
/// lead to where everybody can listen.
fn check_owner(directory: PathBuf, us: u32) -> Result<(), AddressError> {
    const ROOT: u32 = 0;
    let found = [fs::symlink_metadata(&directory), fs::metadata(&directory)];
    if found.iter().flatten().all(|found| [us, ROOT].contains(&found.uid())) {
        return Ok(());
    }
    Err(AddressError::Foreign(directory))
}

fn check_path(path: &Path) -> Result<(), AddressError> {
    let text = || path.display().to_string();
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&0) {
        return Err(AddressError::Form(text()));
    }
    if !path.is_absolute() {
        return Err(AddressError::Relative(text()));
    }
    if bytes.len() > MAX_SOCKET_PATH {
        return Err(AddressError::TooLong { path: text(), length: bytes.len(), limit: MAX_SOCKET_PATH });
    }
    Ok(())
}

/// Where the default socket is if the user has no directory for such things: one in the directory for temporary files,
/// called by the user's number, which a daemon has without `$USER`, too, and no two users share; where proc(5) does not
/// tell it, by the name.
fn temporary() -> PathBuf {
    env::temp_dir().join(format!("skyloom-{}", effective_user().unwrap_or_else(named)))
}

fn effective_user() -> Option<String> {
    effective(&fs::read_to_string("/proc/self/status").ok()?)
}

/// The effective user's number in the status of a process.
fn effective(status: &str) -> Option<String> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    numbers.split_whitespace().nth(1).map(str::to_owned)
}

fn named() -> String {
    let name = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_default();
    let safe: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(32).collect();
    if safe.is_empty() { "user".to_owned() } else { safe }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let address = if text == "local:" {
            Self::default()
        } else if let Some(path) = text.strip_prefix("unix:") {
            Self::Unix(PathBuf::from(path))
        } else if let Some(host) = text.strip_prefix("tcp://") {
            Self::Tcp(parse_host(host).ok_or_else(|| AddressError::Form(without_login(text)))?)
        } else {
            return Err(AddressError::Form(without_login(text)));
        };
        address.check()?;
        Ok(address)
    }
}

/// What stands before an @ may be a password.
fn without_login(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("...@{rest}"))
}

/// `127.0.0.1:4711`, `[::1]:4711` or `localhost:4711`. Other names are not looked up: whether the
/// address is loopback must not depend on a name server.
fn parse_host(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
    }
    text.parse().ok()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::{Address, AddressError, check_owner, effective};

    #[test]
    fn the_default_sockets_place_has_the_users_number() {
        let status = "Name:\tgreeter\nUid:\t1000\t1001\t1000\t1000\nGid:\t7\t7\t7\t7\n";
        assert_eq!(effective(status).as_deref(), Some("1001"));
        assert_eq!(effective("Name:\tgreeter\n"), None);
        #[cfg(target_os = "linux")]
        {
            let directory = tempfile::tempdir().unwrap();
            assert_eq!(super::effective_user(), Some(directory.path().metadata().unwrap().uid().to_string()));
        }
    }

    #[test]
    fn the_default_sockets_directory_may_not_be_another_users() {
        let directory = tempfile::tempdir().unwrap();
        let us = directory.path().metadata().unwrap().uid();
        // Root's own would be trusted by everybody.
        let owner = if us == 0 { 65_534 } else { us };
        std::os::unix::fs::chown(directory.path(), Some(owner), None).unwrap();
        check_owner(directory.path().to_owned(), owner).unwrap();
        let refused = check_owner(directory.path().to_owned(), owner + 1).unwrap_err();
        assert!(refused.to_string().contains("belongs to another user"), "{refused}");
        check_owner(directory.path().join("none"), owner + 1).unwrap();
    }

    #[test]
    fn another_users_link_to_a_directory_of_root_is_not_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("skyloom-1000");
        std::os::unix::fs::symlink("/", &link).unwrap();
        let us = link.symlink_metadata().unwrap().uid();
        let owner = if us == 0 { 65_534 } else { us };
        std::os::unix::fs::lchown(&link, Some(owner), None).unwrap();
        check_owner(link.clone(), owner).unwrap();
        check_owner(link, owner + 1).unwrap_err();
    }

    #[test]
    fn each_form_survives_its_text() {
        for text in ["unix:/run/skyloom/broker.sock", "tcp://127.0.0.1:4711", "tcp://[::1]:4711"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("tcp://localhost:1".parse::<Address>().unwrap().to_string(), "tcp://127.0.0.1:1");
        assert!("local:".parse::<Address>().unwrap().to_string().ends_with("/broker.sock"));
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_with_a_sentence() {
        let long = format!("unix:/{}", "x".repeat(200));
        for (text, sentence) in [
            ("", "is not a broker's address"),
            ("memory:", "is not a broker's address"),
            ("tcp://nowhere", "is not a broker's address"),
            ("tcp://127.0.0.1:99999", "is not a broker's address"),
            ("unix:", "is relative"),
            ("unix:broker.sock", "is relative"),
            ("unix:/a\0b", "is not a broker's address"),
            (&long, "has 201 bytes"),
            ("tcp://0.0.0.0:4711", "needs TLS and authentication"),
            ("tcp://[2001:db8::1]:4711", "needs TLS and authentication"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().contains(sentence), "{error}");
        }
        assert!(matches!("tcp://10.0.0.1:1".parse::<Address>(), Err(AddressError::Exposed(_))));
        for text in ["tcp://ada:secret@127.0.0.1:1", "tcp//ada:secret@127.0.0.1:1"] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with("\"...@127.0.0.1:1\" is not a broker's address"), "{error}");
        }
    }
}
