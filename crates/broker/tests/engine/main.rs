//! The engine's rules, one after the other, from outside.

// Outside of a `#[test]` too, a panic here is a failed test.
#![allow(clippy::unwrap_used)]

mod world;
mod jobs;
mod delivery;
mod leases;
mod expiry;
mod bounds;
mod topics;
mod inboxes;
mod registry;
mod admin;
mod restart;
mod at_once;
