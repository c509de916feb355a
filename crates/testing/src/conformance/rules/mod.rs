//! The rules. Each is a sentence; it is broken if its function panics.

pub mod bounds;
pub mod calls;
pub mod contents;
pub mod dead_letters;
pub mod inboxes;
pub mod leases;
pub mod queues;
pub mod registry;
pub mod topics;
