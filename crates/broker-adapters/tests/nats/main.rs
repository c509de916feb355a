//! The NATS adapter against a real nats-server.

mod site;

mod kit;

mod conformance;

mod work;

mod faults;

mod account;

mod start;

mod core;

mod shares;

mod cluster;

mod registry;
