//! A broker behind its native door on a socket of its own.

mod fixture;

pub(crate) use self::fixture::Local;
