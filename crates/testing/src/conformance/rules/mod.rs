//! The rules. Each is a sentence; it is broken if its function panics. Some decide a cell of the tables of
//! `docs/brokers.md`, and return what they have shown.

pub mod bounds;
pub mod calls;
pub mod contents;
pub mod crashes;
pub mod dead_letters;
pub mod inboxes;
pub mod leases;
pub mod queues;
pub mod registry;
pub mod topics;
