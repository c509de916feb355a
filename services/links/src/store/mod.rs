//! Where links are kept.

mod entry;
mod memory;
mod redis;
mod any;

pub use self::{any::Store, entry::StoreError};
pub(crate) use self::entry::Entry;
