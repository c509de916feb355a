//! The brokers, each with what it is compared with.

use std::path::Path;

use skyloom_testing::{
    figures::Process,
    servers::{Launch, RabbitMq, Server, nats, redis_launch},
};

use super::comparison::Comparison;

/// The embedded broker beside a server, and its URL.
fn embedded(directory: &Path) -> (Process, String) {
    let url = format!("unix:{}", directory.join("embedded.sock").display());
    (Process::start("broker", &[&url]), url)
}

fn url(scheme: &str, server: &Server) -> String {
    format!("{scheme}127.0.0.1:{}", server.port())
}

pub(crate) fn local() -> Comparison {
    let server = nats();
    let (embedded, ours) = embedded(server.directory());
    let by_hand = ("nats", url("nats://", &server));
    let what = "local (the embedded broker over its socket) : request and reply by hand on async-nats";
    Comparison { what, target: 4.0, ours, by_hand, servers: Box::new((embedded, server)) }
}

pub(crate) fn nats_core() -> Comparison {
    let server = nats();
    let url = url("nats://", &server);
    let what = "nats, mode=core : request and reply by hand on async-nats";
    let ours = format!("{url}?mode=core");
    Comparison { what, target: 0.9, ours, by_hand: ("nats", url), servers: Box::new(server) }
}

pub(crate) fn nats_jetstream() -> Comparison {
    let server = nats();
    let ours = url("nats://", &server);
    let what = "nats, JetStream : request and reply by hand on async-nats";
    Comparison { what, target: 0.25, by_hand: ("nats", ours.clone()), ours, servers: Box::new(server) }
}

pub(crate) fn redis() -> Comparison {
    let server = Server::start(redis_launch());
    let ours = url("redis://", &server);
    let what = "redis : a list per request, RPUSH and BLPOP, by hand";
    Comparison { what, target: 4.0, by_hand: ("redis", ours.clone()), ours, servers: Box::new(server) }
}

pub(crate) fn beanstalk() -> Comparison {
    let server = Server::start(Launch::beanstalkd());
    let (embedded, registry) = embedded(server.directory());
    let ours = format!("{} {registry}", url("beanstalk://", &server));
    let by_hand = ("beanstalk", url("", &server));
    let what = "beanstalkd : a fresh reply tube per request, by hand";
    Comparison { what, target: 8.0, ours, by_hand, servers: Box::new((embedded, server)) }
}

pub(crate) fn amqp() -> Comparison {
    let rabbit = RabbitMq::start();
    let server = rabbit.server();
    let (embedded, registry) = embedded(server.directory());
    let url = url("amqp://guest:secret@", server);
    let ours = format!("{url} {registry}");
    let what = "amqp : direct reply-to without confirms, by hand on lapin";
    Comparison { what, target: 0.8, ours, by_hand: ("amqp", url), servers: Box::new((embedded, rabbit)) }
}
