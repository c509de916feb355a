//! The beanstalkd door: clients of beanstalkd 1.12 in front of the same engine.
//!
//! `docs/beanstalkd.md` says where it differs from beanstalkd on purpose.

mod address;

mod numbers;

mod lines;

mod command;

mod figures;

mod yaml;

mod reply;

mod envelope;

mod voice;

mod session;

mod connection;

mod server;

pub use self::{
    address::{BeanstalkAddressError, beanstalk_address},
    server::{BeanstalkDoor, BeanstalkOptions, JOB_BYTES, JOB_BYTES_MAX, TUBES},
};
