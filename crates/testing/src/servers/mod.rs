//! Real servers for tests: each on a free loopback port with a directory of its own, ended with the test.

mod port;

mod launch;

mod server;

mod beanstalkd;

mod redis;

mod nats;

mod nats_cluster;

mod rabbitmq;

pub use self::nats::{mutual_tls_nats, nats, nats_plain, nats_with, tls_nats};
pub use self::{
    launch::Launch,
    nats_cluster::NatsCluster,
    port::free_port,
    rabbitmq::RabbitMq,
    redis::{await_redis_cluster, durable_redis, redis_cluster, redis_command, redis_launch, redis_replica, tls_redis},
    server::Server,
};
