//! The engine in another process of this host, through its native door.
//!
//! Three layers: the pure codec ([`skyloom_broker::wire`]), one driver task that owns the socket,
//! and a cheap handle. A handle writes its frames straight into the connection's outgoing buffer and
//! wakes the driver if the buffer was empty; the driver writes all that has gathered at once, and
//! reads all that is there.
//!
//! What is meant to stand (consumers, inboxes, instances, a watch of the registry) is announced
//! anew on each connection. What cannot be sent while the broker is away is held, in order and
//! within limits, up to its deadline. When a connection breaks without notice, its leases are gone
//! and what was sent and not confirmed is lost; at a planned restart of the broker nothing is.

mod options;

mod frames;

mod tickets;

mod held;

mod standing;

mod state;

mod changes;

mod shared;

mod handle;

mod leases;

mod stall;

mod receive;

mod dial;

mod serve;

mod driver;

mod admin;

mod broker;

#[cfg(test)]
mod tests;

pub use self::{broker::LocalBroker, options::LocalOptions};
