//! Every adapter at every other server's port: the mistake is named in one sentence, at the start.

use std::time::Duration;

use skyloom_broker_adapters::{
    amqp::AmqpBroker,
    beanstalk::BeanstalkBroker,
    nats::NatsBroker,
    redis::RedisBroker,
    remote::{BrokerUrl, OpenError},
};
use skyloom_testing::servers::{Launch, RabbitMq, Server, nats, redis_launch, tls_nats, tls_redis};
use tokio::{runtime::Builder, time::timeout};

/// What waits for a server that is not there waits far longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Long before that, and however slow the machine.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Why this URL cannot be used.
async fn mistake(url: &str) -> String {
    let parsed: BrokerUrl = url.parse().expect("a URL");
    let opening = async {
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("amqp" | "amqps") => AmqpBroker::connect(&parsed, PATIENCE).await.map(drop),
            Some("nats" | "tls") => NatsBroker::connect(&parsed, PATIENCE).await.map(drop),
            Some("redis" | "rediss" | "redis+cluster") => RedisBroker::connect(&parsed, PATIENCE).await.map(drop),
            _ => BeanstalkBroker::connect(&parsed, PATIENCE).await.map(drop),
        }
    };
    match timeout(AT_ONCE, opening).await {
        Ok(Err(error @ OpenError::Unusable { .. })) => error.to_string(),
        Ok(other) => panic!("{url} was not to be usable, and is {other:?}"),
        Err(_) => panic!("{url}: the mistake was to be named at once"),
    }
}

/// Asserts that the mistake of each URL is one sentence with these words.
fn assert_named(urls: &[(String, &str)]) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for (url, words) in urls {
            let sentence = mistake(url).await;
            assert!(sentence.contains(words), "{url} is to be told {words:?}, and hears: {sentence}");
            assert!(!sentence.contains('\n'), "{url}: it is one line: {sentence}");
        }
    });
}

/// The URLs of these schemes at a server's port.
fn at(server: &Server, schemes: &[&str], words: &'static str) -> Vec<(String, &'static str)> {
    schemes.iter().map(|scheme| (format!("{scheme}://127.0.0.1:{}", server.port()), words)).collect()
}

#[test]
fn redis_is_named() {
    let server = Server::start(redis_launch());
    assert_named(&at(&server, &["amqp", "nats", "beanstalk"], "a Redis server"));
}

#[test]
fn nats_is_named() {
    assert_named(&at(&nats(), &["amqp", "redis", "redis+cluster", "beanstalk"], "a NATS server"));
}

#[test]
fn beanstalkd_is_named() {
    let server = Server::start(Launch::beanstalkd());
    assert_named(&at(&server, &["amqp", "nats", "redis", "redis+cluster"], "a beanstalkd server"));
}

#[test]
fn rabbitmq_is_named() {
    let rabbitmq = RabbitMq::start();
    assert_named(&at(rabbitmq.server(), &["nats", "redis", "redis+cluster", "beanstalk"], "an AMQP"));
    // What is not expected is TLS, or its absence.
    let plain = format!("amqps://guest:secret@127.0.0.1:{}?ca={}", rabbitmq.server().port(), rabbitmq.authority());
    let encrypted = format!("amqp://guest:secret@127.0.0.1:{}", rabbitmq.tls_port());
    assert_named(&[(plain, "amqp://"), (encrypted, "amqps://")]);
}

#[test]
fn an_http_server_is_named() {
    let launch = Launch::new("python3");
    let port = launch.port().to_string();
    let server = Server::start(launch.args(["-m", "http.server", "--bind", "127.0.0.1", &port]));
    assert_named(&at(&server, &["amqp", "nats", "redis", "redis+cluster", "beanstalk"], "an HTTP server"));
}

#[test]
fn tls_is_named_where_it_is_expected_and_where_it_is_not() {
    let encrypted = tls_redis();
    assert_named(&at(&encrypted, &["redis"], "rediss://"));
    assert_named(&at(&encrypted, &["nats", "amqp", "beanstalk"], "TLS"));
    assert_named(&at(&tls_nats(), &["redis", "amqp", "beanstalk"], "a NATS server"));
    let redis = Server::start(redis_launch());
    assert_named(&at(&redis, &["rediss"], "does not speak TLS"));
    assert_named(&at(&nats(), &["tls"], "nats://"));
}
