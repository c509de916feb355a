//! The NATS adapter against a real nats-server.

use skyloom_testing::load;

mod site;

mod kit;

mod conformance;

mod work;

mod again;

mod faults;

mod gaps;

mod account;

mod start;

mod limits;

mod core;

mod shares;

mod cluster;

mod registry;
