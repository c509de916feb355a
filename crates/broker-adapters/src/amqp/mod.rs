//! RabbitMQ, and relatives that have its extensions of AMQP 0-9-1.

mod options;

mod wire;

mod target;

mod tell;

mod pending;

mod operation;

mod role;

mod standing;

mod state;

mod publish;

mod operate;

mod consume;

mod arrive;

mod settle;

mod inboxes;

mod look;

mod receive;

mod shared;

mod greeting;

mod tls;

mod dial;

mod driver;

mod admin;

mod broker;

pub use self::broker::AmqpBroker;
