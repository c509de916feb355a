//! The embedded broker as a process of its own.

pub use skyloom_broker::{
    beanstalk::{
        BeanstalkAddressError, BeanstalkDoor, BeanstalkOptions, JOB_BYTES, JOB_BYTES_MAX, TUBES, beanstalk_address,
    },
    door::{Address, AddressError, Door, DoorError, DoorOptions, Inherited, SnapshotPlace},
    engine::Limits,
};
