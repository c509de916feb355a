//! The example cluster on every broker: the walk-through, a dead letter, a killed worker.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use skyloom_testing::servers::{Launch, RabbitMq, Server, durable_redis};

use crate::{
    cluster::{Cluster, said},
    kit::{Process, eventually, http},
    walkthrough::{audited, grpc, operator, rest},
};

/// Some brokers notice a dead worker only by the end of its lease.
const LEASE: [(&str, &str); 1] = [("SKYLOOM_LEASE", "2s")];

const OPTIONS: [&str; 2] = ["--scale", "qr=2"];

/// Everything that the cluster promises, on the broker of this URL.
async fn keeps_every_promise_on(url: Option<&str>) {
    let broker = url.map(|url| ["--broker", url]);
    let cluster = Cluster::up_with(&LEASE, &[&OPTIONS[..], broker.as_ref().map_or(&[], |broker| &broker[..])].concat());
    if let Some(url) = url {
        assert_eq!(cluster.broker(), url);
    }
    let code = rest(cluster.port);
    grpc(&cluster).await;
    operator(&cluster);
    audited(cluster.port, &code).await;
    stream_by_sky(&cluster);
    each_instance(&cluster);
    dead_letters(&cluster).await;
    drained_instance(&cluster).await;
    killed_worker_under_load(&cluster, &code).await;
    killed_worker(&cluster).await;
    let down = cluster.script(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
}

fn stream_by_sky(cluster: &Cluster) {
    let request = r#"{"name":"Ada","times":3,"pauseMs":1}"#;
    let stream = cluster.sky(&["call", "greeter.v1.Greeter/HelloStream", request]);
    assert_eq!(said(&stream).matches("Hello, Ada!").count(), 3, "{}", said(&stream));
}

/// A call that is for one instance reaches that one, and so does a stream.
fn each_instance(cluster: &Cluster) {
    let request = r#"{"name":"Ada","times":3,"pauseMs":1}"#;
    for id in instances(cluster, "qr.v1.Qr").into_keys() {
        let code = cluster.sky(&["call", "-v", "qr.v1.Qr/Render", r#"{"text":"a"}"#, "--instance", &id]);
        assert!(said(&code).contains(&format!("answered by {id}")), "{}", said(&code));
    }
    let (greeter, _) = instances(cluster, "greeter.v1.Greeter").pop_first().unwrap();
    let stream = cluster.sky(&["call", "greeter.v1.Greeter/HelloStream", request, "--instance", &greeter]);
    assert_eq!(said(&stream).matches("Hello, Ada!").count(), 3, "{}", said(&stream));
}

/// Work that cannot succeed is kept with its reason, sent on again and dropped.
async fn dead_letters(cluster: &Cluster) {
    let letters = || cluster.sky_json(&["dead", "list", "links.v1", "--json"]).as_array().unwrap().clone();
    let cast = cluster.sky(&["cast", "links.v1.Links/Shorten", r#"{"url":"no url"}"#]);
    assert!(cast.status.success(), "{}", said(&cast));
    eventually("it is a dead letter", || async { letters().len() == 1 }).await;
    let letter = letters().remove(0);
    assert!(letter["reason"].as_str().unwrap().contains("no url"), "{letter}");
    let number = letter["number"].to_string();
    let shown = said(&cluster.sky(&["dead", "show", "links.v1", &number]));
    assert!(shown.contains("no url"), "{shown}");
    let queues = cluster.sky_json(&["queues", "--json"]);
    let links = queues.as_array().unwrap().iter().find(|row| row["channel"] == "links.v1").unwrap();
    assert_eq!(links["dead"], 1, "{links}");
    let kicked = cluster.sky(&["dead", "kick", "links.v1", &number]);
    assert!(kicked.status.success(), "{}", said(&kicked));
    eventually("it has failed again", || async {
        letters()
            .first()
            .is_some_and(|again| again["number"] != letter["number"] || again["age_ms"] != letter["age_ms"])
    })
    .await;
    let dropped = cluster.sky(&["dead", "drop", "links.v1", "--all"]);
    assert!(dropped.status.success(), "{}", said(&dropped));
    assert_eq!(letters(), Vec::<Value>::new());
}

/// An instance that is drained leaves, and another is started in its place.
async fn drained_instance(cluster: &Cluster) {
    let audits = || instances(cluster, "audit.v1.Audit");
    let (id, pid) = audits().pop_first().unwrap();
    let drained = cluster.sky(&["drain", &id, "--wait"]);
    assert!(drained.status.success(), "{}", said(&drained));
    eventually("another is there", || async { audits().values().any(|other| *other != pid) && audits().len() == 1 })
        .await;
}

/// The instances of a service and their processes.
fn instances(cluster: &Cluster, service: &str) -> BTreeMap<String, i32> {
    let all = cluster.sky_json(&["instances", "--json"]);
    let serves = |row: &&Value| row["services"].to_string().contains(service);
    let known = all.as_array().unwrap().iter().filter(serves);
    known
        .map(|row| (row["id"].as_str().unwrap().to_owned(), i32::try_from(row["pid"].as_i64().unwrap()).unwrap()))
        .collect()
}

/// A worker is killed while it executes a call: the call is executed again, as the second attempt, and answered.
async fn killed_worker(cluster: &Cluster) {
    let endpoints = cluster.endpoints();
    let environment: Vec<_> = endpoints.iter().map(|(name, value)| (*name, value.as_str())).chain(LEASE).collect();
    let start = || Process::start("faulty", &[], &environment, cluster.directory());
    let mut victim = start();
    eventually("it is registered", || async { instances(cluster, "faulty.v1.Faulty").len() == 1 }).await;
    // Far more time than the call is given: only another attempt can answer it.
    let request = json!({ "millis": 3_600_000 }).to_string();
    let mut call = cluster.command(&["call", "faulty.v1.Faulty/Hold", &request, "--timeout", "60s"]);
    let calling = tokio::task::spawn_blocking(move || call.output().unwrap());
    victim.says("attempt 1 is executed", 1).await;
    let other = start();
    victim.kill();
    let called = calling.await.unwrap();
    assert!(called.status.success(), "{}", said(&called));
    let report: Value = serde_json::from_slice(&called.stdout).unwrap();
    assert_eq!((&report["attempt"], &report["pid"]), (&json!(2), &json!(other.id())), "{report}");
    assert_eq!(other.said().matches("is executed").count(), 1, "{}", other.said());
}

/// A worker is killed while requests come; each has its answer.
async fn killed_worker_under_load(cluster: &Cluster, code: &str) {
    const REQUESTS: usize = 200;
    let (_, victim) = instances(cluster, "qr.v1.Qr").pop_first().unwrap();
    let (port, line) = (cluster.port, format!("GET /v1/links/{code}/qr"));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (line, answered) = (line.clone(), Arc::clone(&answered));
            let ask = move || {
                let response = http(port, &line, None);
                answered.fetch_add(1, Ordering::Relaxed);
                response
            };
            tokio::task::spawn_blocking(move || (0..REQUESTS / 8).map(|_| ask()).collect::<Vec<_>>())
        })
        .collect();
    let under_way = async {
        while answered.load(Ordering::Relaxed) < REQUESTS / 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), under_way).await.expect("requests are answered");
    kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).unwrap();
    assert!(answered.load(Ordering::Relaxed) < REQUESTS, "it is killed while requests come");
    for client in clients {
        for response in client.await.unwrap() {
            assert_eq!(response.status, 200, "{}", response.text());
        }
    }
    eventually("it is started anew", || async {
        let running = instances(cluster, "qr.v1.Qr");
        running.len() == 2 && !running.values().any(|pid| *pid == victim)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_broker() {
    keeps_every_promise_on(None).await;
}

/// A server that only needs to be told where to listen.
fn server(program: &str, arguments: impl FnOnce(&str, &str) -> Vec<String>) -> Server {
    let launch = Launch::new(program);
    let (port, directory) = (launch.port().to_string(), launch.directory().display().to_string());
    Server::start(launch.args(arguments(&port, &directory)))
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_nats() {
    let nats = server("nats-server", |port, directory| words(&format!("-a 127.0.0.1 -p {port} -js -sd {directory}")));
    keeps_every_promise_on(Some(&format!("nats://127.0.0.1:{}", nats.port()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis() {
    let redis = durable_redis();
    keeps_every_promise_on(Some(&format!("redis://127.0.0.1:{}", redis.port()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_beanstalkd() {
    let beanstalkd = server("beanstalkd", |port, directory| words(&format!("-l 127.0.0.1 -p {port} -b {directory}")));
    keeps_every_promise_on(Some(&format!("beanstalk://127.0.0.1:{}", beanstalkd.port()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_rabbitmq() {
    let rabbitmq = RabbitMq::start();
    keeps_every_promise_on(Some(&format!("amqp://guest:secret@127.0.0.1:{}/%2f", rabbitmq.server().port()))).await;
}
