//! beanstalkd, by a client of our own.

mod codec;

mod names;

mod job;

mod options;

mod pipe;

mod load;

mod op;

mod shared;

mod sender;

mod errand;

mod janitor;

mod inbox;

mod events;

mod lane;

mod admin;

mod broker;

pub use self::broker::BeanstalkBroker;
