//! Registries behind the one port of `skyloom-core`: one module and one feature each.
//!
//! Those of the embedded broker live on the broker connection of their process, which is why this crate
//! depends on the adapters: a process has one connection, and an instance is registered for exactly as long
//! as it lives. A process that dies is gone at once, one that hangs when its connection has been silent for a
//! while, and one that comes back registers anew, without a heartbeat of its own.
//!
//! Those in NATS and Redis have connections of their own and a heartbeat: a process that dies is gone within
//! three seconds.

#[cfg(any(feature = "memory", feature = "local", feature = "nats", feature = "redis"))]
mod linked;

#[cfg(feature = "memory")]
pub mod memory;

#[cfg(feature = "local")]
pub mod local;

#[cfg(feature = "nats")]
pub mod nats;

#[cfg(feature = "redis")]
pub mod redis;
