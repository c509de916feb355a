//! What a program tells whoever has started it, by the protocol of sd_notify(3).

use std::{
    env, fs, io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixDatagram as Plain,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use skyloom::SECTION_TOLD;
use tokio::{net::UnixDatagram, process::Command};

use crate::text::why;

/// The longest message of a program to its supervisor; systemd itself reads no more (PIPE_BUF).
const MESSAGE: usize = 4096;

/// The most time that a program can have; a drain time is at most a day.
const LONGEST: Duration = Duration::from_secs(25 * 3600);

/// How much longer than it says it is left to itself. One whose event loop is blocked ends by force, and says why, half
/// a second after its time.
const MARGIN: Duration = Duration::from_secs(3);

/// How the names of the sockets begin. The path of a socket has at most 107 characters, so that names are short.
const PREFIX: &str = "sky-notice-";

/// What can be done if there is no place for a socket.
const ADVICE: &str = "set XDG_RUNTIME_DIR or TMPDIR to a directory that is there, that you may write into, and whose path \
                      has at most 79 characters";

/// A socket on which one program says that it is ready; its file goes with it. One that a killed `sky` has left behind
/// is removed when the next is made.
#[derive(Debug)]
pub(crate) struct Notice {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Notice {
    /// Makes one that only processes of this user can send to, in `$XDG_RUNTIME_DIR`, or else in the directory for
    /// temporary files.
    ///
    /// # Errors
    /// If neither is there and can be written: a sentence that says what to do.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(notice) = runtime.and_then(|directory| Self::within(&directory).ok()) {
            return Ok(notice);
        }
        Self::within(&env::temp_dir())
    }

    fn within(directory: &Path) -> io::Result<Self> {
        remove_deserted(directory);
        let path = directory.join(format!("{PREFIX}{:016x}", fastrand::u64(..)));
        let made = UnixDatagram::bind(&path).and_then(|socket| {
            let notice = Self { socket, path: path.clone() };
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            Ok(notice)
        });
        made.map_err(|error| {
            let what = "cannot make the socket on which a program says that it is ready";
            io::Error::new(error.kind(), format!("{what}, {}: {}; {ADVICE}", path.display(), why(&error)))
        })
    }

    /// Has a program send to it (`NOTIFY_SOCKET`).
    pub(crate) fn name_to(&self, command: &mut Command) {
        // What our own supervisor wants to hear from us (`WATCHDOG_USEC`), the program says, and `sky hold` passes it on.
        command.env("NOTIFY_SOCKET", &self.path).env_remove("WATCHDOG_PID");
    }

    /// The next message. May be dropped and asked again.
    ///
    /// # Errors
    /// If the socket is of no use any more.
    pub(crate) async fn next(&self) -> io::Result<String> {
        let mut message = [0; MESSAGE];
        let length = self.socket.recv(&mut message).await?;
        Ok(String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned())
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        // One that stays is removed by the next.
        drop(fs::remove_file(&self.path));
    }
}

/// Whether a message says that the program does its work.
pub(crate) fn is_ready(message: &str) -> bool {
    message.lines().any(|line| line == "READY=1")
}

/// The section of the configuration that applies to the program, if a message says so; empty if it is none of a single
/// service.
pub(crate) fn section(message: &str) -> Option<&str> {
    message.lines().find_map(|line| line.strip_prefix(SECTION_TOLD))
}

/// How much time from now on it wants for what it is about, such as draining.
pub(crate) fn more_time(message: &str) -> Option<Duration> {
    let text = message.lines().find_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC="))?;
    Some(Duration::from_micros(text.parse().ok()?).min(LONGEST) + MARGIN)
}

/// Removes the sockets of this kind on which nobody listens. Those of other users refuse us, which is another error.
fn remove_deserted(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_socket());
        if is_one && is_deserted(&entry.path()) {
            // Another `sky` may have been quicker.
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn is_deserted(socket: &Path) -> bool {
    let sent = Plain::unbound().and_then(|plain| plain.connect(socket));
    sent.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_says_that_it_is_ready() {
        let notice = Notice::new().unwrap();
        let mode = fs::metadata(&notice.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let program = Plain::unbound().unwrap();
        program.send_to(b"STATUS=starting", &notice.path).unwrap();
        program.send_to(b"READY=1\nSTATUS=serving", &notice.path).unwrap();
        assert!(!is_ready(&notice.next().await.unwrap()));
        assert!(is_ready(&notice.next().await.unwrap()));
        let path = notice.path.clone();
        drop(notice);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_directory_may_have_a_long_path_and_has_to_be_there() {
        let directory = tempfile::tempdir().unwrap();
        let of_length = |length: usize| {
            let start = directory.path().to_str().unwrap();
            directory.path().join("x".repeat(length - start.len() - 1))
        };
        for (path, is_made) in [(of_length(79), true), (of_length(80), false)] {
            fs::create_dir(&path).unwrap();
            let made = Notice::within(&path);
            assert_eq!(made.is_ok(), is_made);
        }
        let nowhere = directory.path().join("nowhere");
        let sentence = Notice::within(&nowhere).unwrap_err().to_string();
        assert!(sentence.contains(&format!("{}/{PREFIX}", nowhere.display())), "{sentence}");
        assert!(sentence.contains("set XDG_RUNTIME_DIR or TMPDIR to a directory"), "{sentence}");
    }

    #[test]
    fn a_program_says_which_section_applies() {
        assert_eq!(section("X_SKYLOOM_SECTION=links@1\n"), Some("links@1"));
        assert_eq!((section("X_SKYLOOM_SECTION=\n"), section("READY=1\n")), (Some(""), None));
    }

    #[test]
    fn a_program_says_how_much_time_it_needs() {
        let said = |time: &str| more_time(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={time}\nSTATUS=draining\n"));
        assert_eq!(said("125000000"), Some(Duration::from_secs(128)));
        assert_eq!(said(&u64::MAX.to_string()), Some(LONGEST + MARGIN));
        assert_eq!((said("-1"), said(""), more_time("READY=1")), (None, None, None));
    }

    #[tokio::test]
    async fn only_what_is_deserted_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(format!("{PREFIX}{name}"));
        let _alive = Plain::bind(path("alive")).unwrap();
        drop(Plain::bind(path("deserted")).unwrap());
        fs::write(path("file"), "").unwrap();
        drop(Plain::bind(directory.path().join("another")).unwrap());
        remove_deserted(directory.path());
        assert!(path("alive").exists() && path("file").exists() && directory.path().join("another").exists());
        assert!(!path("deserted").exists());
    }
}
