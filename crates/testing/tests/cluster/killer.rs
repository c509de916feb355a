//! A handler that ends its process each time takes nobody else with it, on brokers that hand out as much as there is
//! credit for.

use std::time::Duration;

use serde_json::json;
use skyloom::{Connection, Endpoints, Result};
use skyloom_testing::servers::{Launch, RabbitMq, Server, durable_redis, nats};
use tokio::task::JoinSet;

use crate::kit::{Process, Site, call, depth, eventually};

const QUEUE: &str = "faulty.v1";
const OTHERS: u64 = 8;

/// What a worker says of a message that it executes with nothing beside it.
const ALONE: &str = "is executed alone";

/// Long enough for five workers to die.
const LONG: Duration = Duration::from_secs(60);

async fn slow(connection: Connection, millis: u64) -> Result<u32> {
    Ok(call(&connection, QUEUE, "Slow", json!({ "millis": millis }), LONG).await?.attempt)
}

async fn harms_nobody_else_on(broker: &str) {
    let site = Site::new();
    let _registry = site.broker(&[]);
    let endpoints = Endpoints { registry: Some(site.url.clone()), ..Endpoints::new(broker) };
    let connection = endpoints.connect().await.unwrap();
    let start = || {
        let environment = [("SKYLOOM_BROKER", broker), ("SKYLOOM_REGISTRY", &site.url)];
        Process::start("faulty", &[], &environment, site.path())
    };
    let mut worker = start();
    slow(connection.clone(), 1).await.expect("it works");
    let status = call(&connection, QUEUE, "Panic", json!({}), LONG).await.expect_err("it panics each time");
    assert!(status.message().contains("told to panic"), "{status}");
    assert!(!worker.said().contains(ALONE), "no worker was lost: {}", worker.said());
    worker.terminated().await;

    let mut others = JoinSet::new();
    for _ in 0..OTHERS {
        others.spawn(slow(connection.clone(), 300));
    }
    eventually("they wait", || async { depth(&connection, QUEUE).await.ready == OTHERS }).await;
    let calling = {
        let connection = connection.clone();
        tokio::spawn(async move { call(&connection, QUEUE, "Abort", json!({}), LONG).await })
    };
    eventually("it waits with them", || async { depth(&connection, QUEUE).await.ready == OTHERS + 1 }).await;
    worker = start();
    for attempt in 1..=5 {
        worker.ended().await;
        assert_eq!(worker.said().contains(ALONE), attempt > 2, "attempt {attempt}: {}", worker.said());
        worker = start();
    }
    for other in others.join_all().await {
        assert_eq!(other.expect("other work is unharmed"), 3, "twice lost with it, and then no more");
    }
    let status = calling.await.unwrap().expect_err("it aborts each time");
    assert!(status.message().contains("5 times"), "{status}");
    // What it executed last was suspect, so it waits for what comes next with nothing beside it.
    worker.terminated().await;
    assert!(!worker.said().contains("the drain time is over"), "{}", worker.said());
    worker = start();
    slow(connection.clone(), 1).await.expect("other work is unharmed");
    assert!(worker.runs() && !worker.said().contains(ALONE), "it works as before");
}

#[tokio::test]
async fn on_nats() {
    let nats = nats();
    harms_nobody_else_on(&format!("nats://127.0.0.1:{}?ack_wait=1s", nats.port())).await;
}

#[tokio::test]
async fn on_redis() {
    let redis = durable_redis();
    harms_nobody_else_on(&format!("redis://127.0.0.1:{}", redis.port())).await;
}

#[tokio::test]
async fn on_beanstalkd() {
    let beanstalkd = Server::start(Launch::beanstalkd());
    harms_nobody_else_on(&format!("beanstalk://127.0.0.1:{}", beanstalkd.port())).await;
}

#[tokio::test]
async fn on_rabbitmq() {
    let rabbitmq = RabbitMq::start();
    let url = format!("amqp://guest:secret@127.0.0.1:{}/%2f", rabbitmq.server().port());
    harms_nobody_else_on(&url).await;
    harms_nobody_else_on(&format!("{url}?queue=quorum&prefix=quorum")).await;
}
