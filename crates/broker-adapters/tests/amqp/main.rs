//! RabbitMQ and its relatives: AMQP 0-9-1 keeps every rule, against the real server.

mod kit;

mod proxy;

mod rules;

mod starting;

mod faults;
