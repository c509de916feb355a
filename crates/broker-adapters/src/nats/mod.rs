//! NATS: JetStream, or the queue groups of core NATS.

mod options;

mod names;

mod time;

mod api;

mod outbox;

mod link;

mod ask;

mod streams;

mod send;

mod keeper;

mod handle;

mod inbox;

mod connect;

mod open;

mod dead;

mod work;

mod receive;

mod leases;

mod session;

mod depth;

mod admin;

mod broker;

mod roster;

mod registry;

pub use self::{broker::NatsBroker, registry::NatsLink};
