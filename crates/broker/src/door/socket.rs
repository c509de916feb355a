//! A Unix socket that only its owner can reach, at a path that only one broker has.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::{UnixListener, UnixSocket, UnixStream},
    time,
};

use super::{Address, DoorError};

/// Connections that the operating system holds until they are accepted: those of a cluster that
/// comes back all at once.
pub(super) const BACKLOG: u32 = 1024;

/// How long to wait for another broker that is just now binding in the same directory. After that
/// somebody else holds the lock, for a reason that is none of ours.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// How long a broker may take to accept before it counts as hung; it is then still in the way.
const PROBE_TIME: Duration = Duration::from_secs(1);

/// A socket's file, removed when dropped if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// It is in the place of one that a broker has left behind which came to no orderly end.
    pub(super) replaces: bool,
}

/// Whose file is at a socket's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Ours,
    /// Somebody has removed it, or its directory.
    Nothing,
    Another,
}

impl SocketFile {
    /// What is in the socket's place by now.
    pub(super) fn found(&self) -> Found {
        match fs::symlink_metadata(&self.path) {
            Ok(found) if found.dev() == self.device && found.ino() == self.inode => Found::Ours,
            Ok(_) => Found::Another,
            Err(error) if error.kind() == ErrorKind::NotFound => Found::Nothing,
            // What cannot be looked at now may be there.
            Err(_) => Found::Ours,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.found() == Found::Ours
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the socket could not be removed");
        }
    }
}

/// Binds the socket with mode 0600. A stale socket, behind which nobody answers, is replaced.
pub(super) async fn bind(path: &Path) -> Result<(UnixListener, SocketFile), DoorError> {
    let refused = |source| DoorError::Bind { address: Address::Unix(path.to_owned()), source };
    let directory = path.parent().unwrap_or(Path::new("/"));
    create(directory)?;
    // Between looking for a stale socket and listening, nobody else may do the same.
    let _lock = lock(directory).await;
    let replaces = make_way(path).await?;
    let socket = UnixSocket::new_stream().map_err(refused)?;
    socket.bind(path).map_err(refused)?;
    let found = fs::symlink_metadata(path).map_err(refused)?;
    let file = SocketFile { path: path.to_owned(), device: found.dev(), inode: found.ino(), replaces };
    check_owner(directory, found.uid())?;
    // Nobody can connect before `listen`, so the mode is right from the first connection on.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(refused)?;
    let listener = socket.listen(BACKLOG).map_err(refused)?;
    Ok((listener, file))
}

/// Creates the directory, and those above it, for the owner only.
fn create(directory: &Path) -> Result<(), DoorError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| DoorError::Directory { directory: directory.to_owned(), source })
}

/// Locks the directory itself, so that no file is left behind. Where that is not possible, the
/// moment that it protects is short.
async fn lock(directory: &Path) -> Option<File> {
    let handle = File::open(directory).ok()?;
    for _ in 0..LOCK_TRIES {
        match handle.try_lock() {
            Ok(()) => return Some(handle),
            Err(TryLockError::WouldBlock) => time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(_)) => break,
        }
    }
    None
}

/// Removes a stale socket; returns whether there was one.
async fn make_way(path: &Path) -> Result<bool, DoorError> {
    let address = || Address::Unix(path.to_owned());
    let refused = |source| DoorError::Bind { address: address(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(refused(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(DoorError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match time::timeout(PROBE_TIME, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "replacing a socket that a broker left behind");
            remove(path).map(|()| true).map_err(refused)
        }
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(false),
        Ok(Err(error)) if error.kind() == ErrorKind::PermissionDenied => Err(refused(error)),
        Ok(Ok(_) | Err(_)) | Err(_) => Err(DoorError::InUse(address())),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A socket that somebody else has made must be closed to others, too. Its group is the choice of whoever made it:
/// systemd opens a socket to everybody unless it is told a mode.
pub(super) fn check_mode(path: &Path) -> Result<(), DoorError> {
    const OTHERS: u32 = 0o007;
    let mode = fs::metadata(path).map_err(DoorError::Inherited)?.mode();
    if mode & OTHERS != 0 { Err(DoorError::Open(path.to_owned())) } else { Ok(()) }
}

/// Whoever can write to the directory can put a socket of his own in place of ours. In a directory
/// with the sticky bit, such as /tmp, only the owner of a file can.
fn check_owner(directory: &Path, us: u32) -> Result<(), DoorError> {
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o002;
    const ROOT: u32 = 0;
    let found =
        fs::metadata(directory).map_err(|source| DoorError::Directory { directory: directory.to_owned(), source })?;
    if ![us, ROOT].contains(&found.uid()) && us != ROOT {
        return Err(DoorError::Foreign(directory.to_owned()));
    }
    if found.mode() & OTHERS_WRITE != 0 && found.mode() & STICKY == 0 {
        return Err(DoorError::Shared(directory.to_owned()));
    }
    Ok(())
}
