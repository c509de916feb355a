//! What `sky listen` says is true: from then on nothing is missed, whatever the broker.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use skyloom::{Endpoints, Json, TopicName};
use skyloom_testing::servers::{self, Launch, RabbitMq, Server, redis_launch};

use crate::ground::{Ground, command};

/// So often somebody begins to listen.
const TIMES: u32 = 10;

/// Publishes an event at the very moment at which `sky listen` says that it listens, again and again.
async fn all_is_heard(url: &str) {
    // Not each of them keeps a registry.
    let ground = Ground::new().await;
    let endpoints = Endpoints { broker: url.to_owned(), registry: Some(ground.url.clone()) };
    let connection = endpoints.connect().await.unwrap();
    for number in 0..TIMES {
        // One that nobody has ever listened to, and the same again.
        for _ in 0..2 {
            let topic = TopicName::new(format!("news.{number}")).unwrap();
            let mut sky = command();
            sky.args(["--broker", url, "--registry", &ground.url, "listen", topic.as_str(), "--count", "1"]);
            let mut sky = sky.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut said = BufReader::new(sky.stderr.take().unwrap());
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            assert_eq!(line, format!("sky: listening to {topic}\n"));
            connection.client().publish(&topic, Json(number)).await.unwrap();
            let heard = tokio::task::spawn_blocking(move || {
                let mut heard = String::new();
                sky.stdout.take().unwrap().read_to_string(&mut heard).unwrap();
                sky.wait().unwrap();
                heard
            });
            let heard =
                tokio::time::timeout(crate::ground::PATIENCE, heard).await.expect("the event is missed").unwrap();
            assert_eq!(heard, format!("{number}\n"));
        }
    }
    connection.close().await;
}

#[tokio::test]
async fn all_is_heard_on_the_embedded_broker() {
    let ground = Ground::new().await;
    all_is_heard(&ground.url).await;
}

#[tokio::test]
async fn all_is_heard_on_nats() {
    let server = servers::nats();
    all_is_heard(&format!("nats://127.0.0.1:{}", server.port())).await;
    all_is_heard(&format!("nats://127.0.0.1:{}?mode=core", server.port())).await;
}

#[tokio::test]
async fn all_is_heard_on_redis() {
    let server = Server::start(redis_launch());
    all_is_heard(&format!("redis://127.0.0.1:{}", server.port())).await;
}

#[tokio::test]
async fn all_is_heard_on_rabbitmq() {
    let server = RabbitMq::start();
    all_is_heard(&format!("amqp://guest:secret@127.0.0.1:{}/%2f", server.server().port())).await;
}

#[tokio::test]
async fn all_is_heard_on_beanstalkd() {
    let server = Server::start(Launch::beanstalkd());
    all_is_heard(&format!("beanstalk://127.0.0.1:{}", server.port())).await;
}

/// The group of `sky listen` goes with it, whatever ends it.
#[tokio::test]
async fn nothing_is_left_of_who_has_listened_on_nats() {
    let server = servers::nats();
    let url = format!("nats://127.0.0.1:{}", server.port());
    let connection = Endpoints { broker: url.clone(), registry: None }.connect().await.unwrap();
    for end in [Signal::TERM, Signal::INT] {
        let mut sky = command();
        sky.args(["--broker", &url, "listen", "news.made"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut sky = sky.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(sky.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "sky: listening to news.made\n");
        kill_process(Pid::from_child(&sky), end).unwrap();
        let ended = tokio::task::spawn_blocking(move || sky.wait().unwrap());
        let ended = tokio::time::timeout(crate::ground::PATIENCE, ended).await.expect("it ends").unwrap();
        assert_eq!(ended.code(), Some(0), "{end:?}");
        let left = connection.broker.admin().unwrap().channels().await.unwrap();
        assert!(left.is_empty(), "{end:?}: {left:?}");
    }
    connection.close().await;
}
