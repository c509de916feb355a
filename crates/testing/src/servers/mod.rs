//! Real servers for tests: each on a free loopback port with a directory of its own, ended with the test.

mod port;

mod launch;

mod server;

mod beanstalkd;

mod nats;

mod redis;

pub use self::{
    launch::Launch,
    nats::{nats, nats_plain, nats_with},
    port::free_port,
    redis::{durable_redis, redis_cluster, redis_command, redis_launch, tls_redis},
    server::Server,
};
