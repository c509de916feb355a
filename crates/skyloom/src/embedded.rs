//! The embedded broker as a process of its own.

pub use skyloom_broker::{
    door::{Address, AddressError, Door, DoorError, DoorOptions, SnapshotPlace},
    engine::Limits,
};
