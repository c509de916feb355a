//! A connection to the memory broker whose traffic is noted.

mod leases;
mod consume;
mod broker;

pub(super) use self::broker::Tap;
