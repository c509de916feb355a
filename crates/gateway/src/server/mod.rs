//! Serves a gateway on a TCP port.

mod socket;
mod alarm;
mod protocol;
mod connection;
mod bound;

pub use self::bound::Bound;
