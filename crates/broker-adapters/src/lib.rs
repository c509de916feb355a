//! Brokers behind the one port of `skyloom-core`: one module and one feature each.
//!
//! - [`memory`]: the engine inside the process. Nothing is encoded and nothing is copied.
//! - [`local`]: the engine in another process of this host, through its native door.
//!
//! - [`nats`]: NATS, its JetStream or its queue groups.
//! - [`redis`]: Redis and Valkey, streams with consumer groups.
//! - [`amqp`]: RabbitMQ, or a relative that has its extensions of AMQP 0-9-1.
//! - [`beanstalk`]: beanstalkd, or any server that speaks its protocol.
//!
//! The last four are off by default: each is a feature. What they have in common is in [`remote`].
//!
//! Each of the first two also speaks for its connection as a [`registry::RegistryLink`], so that an instance is
//! registered on the connection on which it serves and both end together.

#[cfg(any(feature = "memory", feature = "local"))]
mod answers;

#[cfg(any(feature = "memory", feature = "local"))]
mod embedded;

#[cfg(any(feature = "memory", feature = "local", feature = "nats", feature = "redis"))]
pub mod registry;

#[cfg(feature = "memory")]
pub mod memory;

#[cfg(feature = "local")]
pub mod local;

#[cfg(feature = "remote")]
pub mod remote;

#[cfg(feature = "nats")]
pub mod nats;

#[cfg(feature = "redis")]
pub mod redis;

#[cfg(feature = "amqp")]
pub mod amqp;

#[cfg(feature = "beanstalk")]
pub mod beanstalk;
