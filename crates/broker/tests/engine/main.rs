//! The engine's rules, one after the other, from outside.

mod world;
mod delivery;
mod leases;
mod expiry;
mod bounds;
mod topics;
mod inboxes;
mod registry;
mod admin;
mod restart;
