//! Brokers behind the one port of `skyloom-core`: one module and one feature each.
//!
//! - [`memory`]: the engine inside the process. Nothing is encoded and nothing is copied.
//! - [`local`]: the engine in another process of this host, through its native door.
//!
//! Each also speaks for its connection as a [`registry::RegistryLink`], so that an instance is
//! registered on the connection on which it serves and both end together.

#[cfg(any(feature = "memory", feature = "local"))]
mod answers;

#[cfg(any(feature = "memory", feature = "local"))]
pub mod registry;

#[cfg(feature = "memory")]
pub mod memory;

#[cfg(feature = "local")]
pub mod local;
