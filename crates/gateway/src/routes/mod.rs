//! Which request reaches which method.

mod operation;
mod captures;
mod trie;
mod service;
mod precedence;
mod table;
mod listing;

pub use self::listing::{Route, routes};
pub(crate) use self::{
    captures::capture,
    operation::{Operation, RestRoute, Service},
    table::{Found, Table},
};
