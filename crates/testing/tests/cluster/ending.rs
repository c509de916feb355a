//! A process that is asked to end does so in time, whatever its handlers do.

use std::{fs, process::Command, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use skyloom::{InstanceClient, Result, client::Response};
use tokio::time::Instant;

use crate::kit::{Killed, Process, Site, call, depth, eventually, program};

const QUEUE: &str = "faulty.v1";

/// The drain time of the processes here; each has 5 s more for closing.
const DRAIN: (&str, &str) = ("SKYLOOM_DRAIN", "1s");

/// When such a process has ended at last, with half a second that it is left to itself and much for a slow machine.
const BOUND: Duration = Duration::from_millis(6_500 + 15_000);

/// What a process says that is ended by force.
const WORDS: &str = "the process has not: a handler blocks its event loop";

/// Has a service block its event loop, and calls another to its help.
async fn blocked(site: &Site) -> (Process, Process, tokio::task::JoinHandle<Value>) {
    let victim = site.service("faulty", &[DRAIN]);
    let connection = site.connect_when(1).await;
    let calling = connection.clone();
    let reply = tokio::spawn(async move {
        let order = json!({ "millis": 120_000 });
        let reply = call(&calling, QUEUE, "Block", order, Duration::from_secs(40)).await.unwrap();
        serde_json::from_slice(&reply.payload).unwrap()
    });
    eventually("it works on the call", || async { depth(&connection, QUEUE).await.leased == 1 }).await;
    let other = site.service("faulty", &[]);
    (victim, other, reply)
}

#[tokio::test]
async fn a_handler_that_blocks_its_event_loop_cannot_hold_up_the_end() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let (mut victim, other, reply) = blocked(&site).await;
    let asked = Instant::now();
    victim.signal(Signal::TERM);
    let status = victim.ended().await;
    let took = asked.elapsed();
    assert_eq!(status.code(), Some(1), "{}", victim.said());
    assert!(took > Duration::from_secs(6) && took < BOUND, "it took {took:?}");
    let said = victim.said();
    assert_eq!(said.matches(WORDS).count(), 1, "{said}");
    let report = reply.await.unwrap();
    assert_eq!((&report["attempt"], &report["pid"]), (&json!(2), &json!(other.id())), "the other does it");
}

#[tokio::test]
async fn a_second_signal_ends_a_blocked_process_at_once() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let (mut victim, _other, reply) = blocked(&site).await;
    victim.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Instant::now();
    victim.signal(Signal::INT);
    assert_eq!(victim.ended().await.code(), Some(1), "{}", victim.said());
    assert!(asked.elapsed() < Duration::from_secs(6), "it took {:?}", asked.elapsed());
    assert!(victim.said().contains(WORDS), "{}", victim.said());
    assert_eq!(reply.await.unwrap()["attempt"], 2);
}

/// Has a service work on a call, and an operator have it drain meanwhile.
async fn draining(site: &Site, millis: u64) -> (Process, tokio::task::JoinHandle<Result<Response>>) {
    let service = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    let calling = connection.clone();
    let reply = tokio::spawn(async move {
        call(&calling, QUEUE, "Slow", json!({ "millis": millis }), Duration::from_secs(40)).await
    });
    eventually("it works on the call", || async { depth(&connection, QUEUE).await.leased == 1 }).await;
    let instances = connection.registry.list(&Default::default()).await.unwrap();
    InstanceClient::new(connection.client(), instances[0].id).drain().await.unwrap();
    service.says("\"draining\"", 1).await;
    (service, reply)
}

#[tokio::test]
async fn the_first_signal_after_an_operators_drain_cuts_nothing_off() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let (mut service, reply) = draining(&site, 3_000).await;
    service.signal(Signal::TERM);
    let reply = reply.await.unwrap().unwrap();
    let report: Value = serde_json::from_slice(&reply.payload).unwrap();
    assert_eq!(report["attempt"], 1, "it is finished by the one that drains");
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.said());
    let said = service.said();
    assert!(said.contains("\"drained\"") && !said.contains("asked to end once more"), "{said}");
}

#[tokio::test]
async fn the_second_signal_after_an_operators_drain_ends_it_at_once() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let (mut service, reply) = draining(&site, 120_000).await;
    service.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(service.runs(), "the first is the same wish: {}", service.said());
    let asked = Instant::now();
    service.signal(Signal::TERM);
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.said());
    assert!(asked.elapsed() < Duration::from_secs(15), "it took {:?}", asked.elapsed());
    assert!(service.said().contains("asked to end once more"), "{}", service.said());
    reply.abort();
}

#[tokio::test]
async fn what_blocks_a_thread_beside_the_event_loop_is_cut_off() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut service = site.service("faulty", &[DRAIN]);
    let connection = site.connect_when(1).await;
    let order = json!({ "millis": 120_000 });
    call(&connection, QUEUE, "BlockBeside", order, Duration::from_secs(10)).await.unwrap();
    let asked = Instant::now();
    service.signal(Signal::TERM);
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.said());
    assert!(asked.elapsed() < BOUND, "it took {:?}", asked.elapsed());
}

#[tokio::test]
async fn the_time_for_the_end_is_not_begun_anew_for_what_blocks_a_thread() {
    let site = Site::new();
    let broker = site.broker(&[]);
    let mut service = site.service("faulty", &[DRAIN]);
    let connection = site.connect_when(1).await;
    let order = json!({ "millis": 120_000 });
    call(&connection, QUEUE, "BlockBeside", order, Duration::from_secs(10)).await.unwrap();
    // Nearly all of the time goes by until it is noticed that it does not answer any more.
    broker.signal(Signal::STOP);
    service.signal(Signal::TERM);
    service.says("\"drained\"", 1).await;
    let drained = Instant::now();
    assert_eq!(service.ended().await.code(), Some(0), "{}", service.said());
    assert!(drained.elapsed() < Duration::from_secs(4), "it took {:?} more", drained.elapsed());
}

/// What it says when it is asked to read its configuration anew fills the pipe, and then each line waits for room.
#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_end() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let configuration = site.path().join("own.toml");
    fs::write(&configuration, "[default]\nlog = \"info\"\n").unwrap();
    let mut greeter = Command::new(program("greeter"));
    greeter.env("SKYLOOM_BROKER", &site.url).env("SKYLOOM_CONFIG", &configuration).stderr(Stdio::piped());
    let mut greeter = Killed(greeter.spawn().unwrap());
    site.connect_when(1).await;
    let pid = Pid::from_child(&greeter.0);
    for _ in 0..2_500 {
        kill_process(pid, Signal::HUP).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    kill_process(pid, Signal::TERM).unwrap();
    let mut status = None;
    for _ in 0..200 {
        status = greeter.0.try_wait().unwrap();
        if status.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
}
