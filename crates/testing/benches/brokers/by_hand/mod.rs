//! What one would write by hand on each broker's own client, as well as its pattern allows.

pub(crate) mod nats;
pub(crate) mod redis;
pub(crate) mod beanstalk;
pub(crate) mod amqp;
