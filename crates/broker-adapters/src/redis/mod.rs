//! Redis and Valkey: streams with consumer groups.

mod options;

mod names;

mod trouble;

mod scripts;

mod link;

mod op;

mod batch;

mod node;

mod nodes;

mod driver;

mod presence;

mod clock;

mod entry;

mod seat;

mod settle;

mod leases;

mod shared;

mod intake;

mod reader;

mod inbox;

mod probe;

mod open;

mod admin;

mod broker;

mod registry;

pub use self::{broker::RedisBroker, registry::RedisLink};
