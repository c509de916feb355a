//! RabbitMQ and its relatives: AMQP 0-9-1 keeps every rule, against the real server.

use skyloom_testing::load;

mod kit;

mod proxy;

mod ends;

mod traffic;

mod figures;

mod rules;

mod starting;

mod restarts;

mod faults;

mod hindered;

mod cluster;
