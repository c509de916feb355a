//! What the engine does, one rule for each file. Each is an `impl Engine` that builds on those
//! before it.

mod tell;
mod marks;
mod channels;
mod rotation;
mod suspects;
mod messages;
mod waits;
mod deliver;
mod expire;
mod leases;
mod settle;
mod enqueue;
mod consume;
mod inboxes;
mod registry;
mod connections;
mod admin;
mod jobs;
mod tick;
mod step;
mod at_once;
