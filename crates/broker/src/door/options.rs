//! How a door is opened.

use std::path::{Path, PathBuf};

use super::Address;
use crate::engine::Limits;

/// The most bytes that wait for one client to read them, beside its deliveries, which its credit
/// bounds. Only a client that reads more slowly than it asks gets there: this is 64 replies of 4
/// MiB.
pub const OUTGOING_BYTES: usize = 256 << 20;

/// What a door may be told.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// The engine's bounds.
    pub limits: Limits,
    /// Whether a planned stop keeps what is waiting, and where.
    pub snapshot: SnapshotPlace,
    /// The most bytes, beside deliveries, that wait for one client to read them; it is disconnected
    /// beyond that.
    pub outgoing_bytes: usize,
}

impl Default for DoorOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), snapshot: SnapshotPlace::default(), outgoing_bytes: OUTGOING_BYTES }
    }
}

/// Where a planned stop keeps what the next start takes up again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SnapshotPlace {
    /// Next to the socket, with `.snapshot` added to its name; nowhere for TCP.
    #[default]
    NextToSocket,
    /// In this file.
    File(PathBuf),
    /// Nowhere: what is waiting at a stop is lost.
    Nowhere,
}

impl SnapshotPlace {
    /// The file, if there is to be one.
    #[must_use]
    pub fn path(&self, address: &Address) -> Option<PathBuf> {
        match (self, address) {
            (Self::File(path), _) => Some(path.clone()),
            (Self::NextToSocket, Address::Unix(socket)) => Some(with_suffix(socket, ".snapshot")),
            (Self::NextToSocket | Self::Nowhere, _) => None,
        }
    }
}

/// A path with something added to its last part.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
