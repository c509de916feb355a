//! Where links are kept.

mod entry;
mod memory;
mod redis;
mod any;

pub(crate) use self::entry::Entry;
pub use self::{any::Store, entry::StoreError};
