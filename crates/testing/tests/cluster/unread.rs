//! A stream whose reader was killed ends, on every broker on the network, and gives its place to others.

use std::time::Duration;

use serde_json::json;
use skyloom::{Codec, Endpoints, TopicName};
use skyloom_testing::servers::{Launch, RabbitMq, Server, durable_redis, nats};

use crate::kit::{Process, Site, call, eventually};

/// The one place that there is is the stream's.
const PLACES: (&str, &str) = ("SKYLOOM_CONCURRENCY", "1");

/// How often the worker asks is a third of it.
const LEASE: (&str, &str) = ("SKYLOOM_LEASE", "3s");

/// Longer than any broker keeps an inbox whose client is away.
const LONG: Duration = Duration::from_secs(150);

async fn gives_its_place_to_others_on(broker: &str) {
    let site = Site::new();
    let _registry = site.broker(&[]);
    let endpoints = Endpoints { registry: Some(site.url.clone()), ..Endpoints::new(broker) };
    let connection = endpoints.connect().await.unwrap();
    let environment = [("SKYLOOM_BROKER", broker), ("SKYLOOM_REGISTRY", &site.url), PLACES, LEASE];
    let mut worker = Process::start("audit", &[], &environment, site.path());
    call(&connection, "audit.v1", "Counts", json!({}), LONG).await.expect("it works");

    let mut reader = Process::start("sky", &["call", "audit.v1.Audit/Tail", "{}"], &environment, site.path());
    let topic = TopicName::new("links.visited").unwrap();
    eventually("the stream is read", || async {
        let visit = json!({ "code": "abc", "url": "https://example.org" }).to_string();
        connection.client().publish_encoded(&topic, Codec::Json, visit.into()).await.unwrap();
        reader.said().contains("abc")
    })
    .await;
    reader.kill();
    call(&connection, "audit.v1", "Counts", json!({}), LONG).await.expect("the stream has ended");
    worker.terminated().await;
    assert!(!worker.said().contains("the drain time is over"), "{}", worker.said());
}

#[tokio::test]
async fn on_redis() {
    let redis = durable_redis();
    gives_its_place_to_others_on(&format!("redis://127.0.0.1:{}", redis.port())).await;
}

#[tokio::test]
async fn on_rabbitmq() {
    let rabbitmq = RabbitMq::start();
    gives_its_place_to_others_on(&format!("amqp://guest:secret@127.0.0.1:{}/%2f", rabbitmq.server().port())).await;
}

#[tokio::test]
async fn on_nats() {
    let nats = nats();
    let url = format!("nats://127.0.0.1:{}", nats.port());
    gives_its_place_to_others_on(&url).await;
    gives_its_place_to_others_on(&format!("{url}?mode=core&prefix=core")).await;
}

#[tokio::test]
async fn on_beanstalkd() {
    let beanstalkd = Server::start(Launch::beanstalkd());
    gives_its_place_to_others_on(&format!("beanstalk://127.0.0.1:{}", beanstalkd.port())).await;
}
