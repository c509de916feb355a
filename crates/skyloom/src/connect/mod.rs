//! From URLs to a broker and its registry.

mod error;

mod scheme;

mod connection;

mod embedded;

mod network;

mod endpoints;

mod guarantees;

pub use self::{
    connection::Connection,
    endpoints::{Endpoints, connect},
    error::ConnectError,
    guarantees::guarantees,
};
pub(crate) use self::{
    embedded::{address, is_there},
    endpoints::{check_broker, check_registry},
};
