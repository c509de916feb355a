//! Serves a gateway on a TCP port.

mod bound;
mod connection;

pub use self::bound::Bound;
