//! The engine inside the process: no socket, no encoding, no copy of an envelope.
//!
//! A call locks the engine, takes one step, puts each delivery into its consumer's stream, unlocks,
//! and hands out what else the engine decided, such as a reply to its sink. No sink is called and no
//! task is woken under the lock, since either may call the broker again; and only one thread hands
//! out at a time, so that the order is the engine's. A reply that comes alone is handed out by
//! whoever made it.

mod dispatch;
mod timer;
mod stream;
mod state;
mod hub;
mod link;
mod taker;
mod admin;
mod broker;

pub use self::broker::MemoryBroker;
