//! What can keep a door from opening.

use std::{io, path::PathBuf};

use super::{Address, AddressError};

/// Why a door could not be opened, or what went wrong when it closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Somebody answers there already.
    #[error("another broker is listening on {0}; stop it or choose another socket")]
    InUse(Address),
    /// Something other than a socket is in the way.
    #[error("{} exists and is not a socket; remove it or choose another path", .0.display())]
    NotASocket(PathBuf),
    /// The socket's directory cannot be created.
    #[error("cannot create the directory {} for the socket: {source}; create it or choose another path", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket's directory is another user's, who could replace the socket.
    #[error("the directory {} belongs to another user, who could replace the socket; choose another path", .0.display())]
    Foreign(PathBuf),
    /// The socket's directory is writable for others, who could replace the socket.
    #[error("others may write to the directory {}, and could replace the socket; take that right away or choose another path", .0.display())]
    Shared(PathBuf),
    /// The operating system refuses the address.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// The socket that a supervisor has handed over cannot be used.
    #[error("the socket that the supervisor has handed over (LISTEN_FDS) cannot be used: {0}")]
    Inherited(io::Error),
    /// Anybody may connect to the socket that a supervisor has handed over.
    #[error("every user may connect to the socket {}; write SocketMode=0600 into its socket unit, \
             or SocketMode=0660 with a SocketGroup whose members may do everything", .0.display())]
    Open(PathBuf),
    /// What waits could not be kept at a stop.
    #[error("no snapshot can be written to {}, and what waits would be lost at each stop: {source}; make its directory, \
             writable for this user, or choose another file", path.display())]
    SnapshotPlace {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was waiting could not be kept for the next start.
    #[error("cannot write the snapshot {}, so that what was waiting is lost: {source}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DoorError {
    /// Whether it may go away by itself, so that trying again makes sense.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::InUse(_))
    }
}
