//! RabbitMQ and its relatives: AMQP 0-9-1 keeps every rule, against the real server.

mod kit;

mod proxy;

mod ends;

mod rules;

mod starting;

mod restarts;

mod faults;
