//! The engine inside the process: no socket, no encoding, no copy of an envelope.
//!
//! A call locks the engine, takes one step, unlocks, and hands out what the engine decided: a
//! delivery into its consumer's stream, a reply into its sink. Nothing is handed out under the
//! lock, since a sink or a dropped delivery may call the broker again; and only one thread hands
//! out at a time, so that the order is the engine's.

mod dispatch;
mod timer;

mod state;

mod hub;

mod link;

mod admin;

mod broker;

pub use self::broker::MemoryBroker;
