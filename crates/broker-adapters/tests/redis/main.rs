//! Redis and Valkey: streams with consumer groups keeps every rule, against the real server.

use skyloom_testing::load;

mod support;

mod conformance;

mod start;

mod faults;

mod changes;

mod locked;

mod limits;

mod caller;

mod inbox;

mod entry;

mod bundled;

mod bundles;

mod entries;

mod foreign;

mod registry;
