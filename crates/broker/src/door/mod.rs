//! The native door: a Unix socket, or TCP on the loopback interface, in front of one engine.

mod address;

mod error;

mod options;

mod encoded;

mod translate;

mod voice;

mod peer;

mod hub;

mod ticker;

mod handshake;

mod inbound;

mod socket;

mod quiet;

mod connection;

mod shortage;

mod place;

mod listener;

mod snapshot;

mod server;

pub use self::{
    address::{Address, AddressError},
    error::DoorError,
    listener::Inherited,
    options::{DoorOptions, OUTGOING_BYTES, SnapshotPlace},
    quiet::QuietSocket,
    server::Door,
    shortage::Shortage,
};
pub(crate) use self::{
    encoded::Encoded,
    hub::Hub,
    listener::{Accepted, Listener},
    peer::Order,
    voice::Voice,
};
