//! What happens when parts of a cluster die, hang or fill up.

use std::{collections::BTreeSet, time::Duration};

use qr::contract::{QrClient, RenderRequest};
use rustix::process::Signal;
use serde_json::{Value, json};
use skyloom::{Code, Connection, Outcome};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::kit::{Site, call, depth, eventually, free_port, try_http};

const QUEUE: &str = "faulty.v1";
const LONG: Duration = Duration::from_secs(20);

fn report(reply: &skyloom::client::Response) -> Value {
    serde_json::from_slice(&reply.payload).unwrap()
}

async fn slow(connection: Connection, millis: u64, timeout: Duration) -> skyloom::Result<(u32, Value)> {
    let reply = call(&connection, QUEUE, "Slow", json!({ "millis": millis }), timeout).await?;
    Ok((reply.attempt, report(&reply)))
}

#[tokio::test]
async fn the_work_of_a_killed_worker_goes_to_another() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut victim = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    // The victim holds what it has taken, and can do nothing with it.
    victim.signal(Signal::STOP);
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        calls.spawn(slow(connection.clone(), 1, LONG));
    }
    eventually("200 calls wait or are leased", || async {
        let depth = depth(&connection, QUEUE).await;
        depth.leased > 0 && depth.ready + depth.leased == 200
    })
    .await;
    let leased = depth(&connection, QUEUE).await.leased;
    let other = site.service("faulty", &[]);
    victim.kill();
    let replies: Vec<_> =
        calls.join_all().await.into_iter().map(|reply| reply.expect("every call has its reply")).collect();
    assert_eq!(replies.len(), 200);
    let again = replies.iter().filter(|(attempt, _)| *attempt == 2).count();
    assert_eq!(again as u64, leased, "what the victim had taken is attempted a second time");
    assert!(replies.iter().all(|(_, report)| report["pid"] == other.id()), "the other has done it all");
    let runs: BTreeSet<u64> = replies.iter().map(|(_, report)| report["runs"].as_u64().unwrap()).collect();
    assert_eq!(runs, (1..=200).collect(), "none was executed or answered twice");
    let depth = depth(&connection, QUEUE).await;
    assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 0));
}

/// The same for one that is killed in the middle of its work.
#[tokio::test]
async fn a_worker_that_is_killed_while_it_executes_and_answers_costs_no_call_its_reply() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut victim = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    let mut calls = JoinSet::new();
    for number in 0..400 {
        calls.spawn(slow(connection.clone(), number % 40, LONG));
    }
    let mut replies = Vec::new();
    while replies.len() < 100 {
        replies.push(calls.join_next().await.unwrap().unwrap().expect("a reply"));
    }
    victim.kill();
    let other = site.service("faulty", &[]);
    while let Some(reply) = calls.join_next().await {
        replies.push(reply.unwrap().expect("a reply"));
    }
    let executions: BTreeSet<(u64, u64)> =
        replies.iter().map(|(_, report)| (report["pid"].as_u64().unwrap(), report["runs"].as_u64().unwrap())).collect();
    assert_eq!(executions.len(), 400, "each reply is an execution of its own");
    let by_other = |report: &Value| report["pid"] == other.id();
    assert!(replies.iter().all(|(attempt, report)| *attempt == 1 || by_other(report)), "the other has done it again");
    assert!(replies.iter().any(|(attempt, _)| *attempt == 2), "it was killed in the middle of its work");
    let depth = depth(&connection, QUEUE).await;
    assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 0));
}

/// The same with the example cluster's own service and its typed client.
#[tokio::test]
async fn a_killed_qr_worker_costs_nobody_a_picture() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut victim = site.service("qr", &[]);
    let connection = site.connect_when(1).await;
    let client = QrClient::new(connection.client());
    victim.signal(Signal::STOP);
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let request = RenderRequest { text: format!("https://example.org/{number}"), scale: 1 };
        let call = client.render(request).timeout(LONG);
        calls.spawn(async move { call.with_ledger().await });
    }
    eventually("the victim has taken some", || async {
        let depth = depth(&connection, "qr.v1").await;
        depth.leased > 0 && depth.ready + depth.leased == 200
    })
    .await;
    let leased = depth(&connection, "qr.v1").await.leased;
    let _other = site.service("qr", &[]);
    victim.kill();
    let replies: Vec<_> = calls.join_all().await.into_iter().map(|reply| reply.expect("a picture")).collect();
    assert!(replies.iter().all(|(picture, _)| picture.data.starts_with(b"\x89PNG")));
    let again = replies.iter().filter(|(_, ledger)| ledger.retries == 1).count();
    assert_eq!(again as u64, leased, "what the victim had taken is attempted a second time");
}

#[tokio::test]
async fn the_work_of_a_hung_worker_goes_to_another_and_its_late_answer_changes_nothing() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let hung = site.service("faulty", &[("SKYLOOM_LEASE", "1s")]);
    let connection = site.connect_when(1).await;
    let calling = tokio::spawn(slow(connection.clone(), 300, LONG));
    eventually("it works on the call", || async { depth(&connection, QUEUE).await.leased == 1 }).await;
    hung.signal(Signal::STOP);
    let other = site.service("faulty", &[]);
    let (attempt, report) = calling.await.unwrap().expect("the other answers");
    assert_eq!((attempt, &report["pid"]), (2, &json!(other.id())));
    hung.signal(Signal::CONT);
    // The late answer comes to nobody; both go on working.
    for _ in 0..20 {
        slow(connection.clone(), 1, LONG).await.expect("a reply");
    }
    let depth = depth(&connection, QUEUE).await;
    assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 0));
}

#[tokio::test]
async fn a_frozen_worker_that_goes_on_does_not_do_what_is_too_late() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let worker = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    let (_, report) = slow(connection.clone(), 1, LONG).await.expect("a reply");
    assert_eq!(report["runs"], 1);
    worker.signal(Signal::STOP);
    let mut calls = JoinSet::new();
    for _ in 0..5 {
        calls.spawn(slow(connection.clone(), 1, Duration::from_secs(1)));
    }
    for result in calls.join_all().await {
        let status = result.expect_err("its worker is frozen");
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    worker.signal(Signal::CONT);
    for runs in 2..5 {
        let (attempt, report) = slow(connection.clone(), 1, LONG).await.expect("a reply");
        assert_eq!((attempt, &report["runs"]), (1, &json!(runs)), "none of the five is executed");
    }
    eventually("nothing is left of them", || async {
        let depth = depth(&connection, QUEUE).await;
        (depth.ready, depth.leased, depth.dead) == (0, 0, 0)
    })
    .await;
}

#[tokio::test]
async fn a_killed_or_hung_instance_disappears_from_the_registry() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut killed = site.service("faulty", &[]);
    let hung = site.service("faulty", &[]);
    let connection = site.connect_when(2).await;
    let watch = connection.registry.watch().await.unwrap();
    let gone_within = async |count: usize| {
        let start = Instant::now();
        eventually("it is gone", || async { watch.borrow().instances.len() == count }).await;
        start.elapsed()
    };
    killed.kill();
    assert!(gone_within(1).await < Duration::from_secs(3), "a killed instance disappears within 3 s");
    hung.signal(Signal::STOP);
    assert!(gone_within(0).await < Duration::from_secs(5));
    hung.signal(Signal::CONT);
    eventually("it is back", || async { watch.borrow().instances.len() == 1 }).await;
}

#[tokio::test]
async fn a_silent_instance_gets_nothing_while_another_does_the_work() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let (hung, other) = (site.service("faulty", &[]), site.service("faulty", &[]));
    let connection = site.connect_when(2).await;
    let watch = connection.registry.watch().await.unwrap();
    hung.signal(Signal::STOP);
    eventually("it is silent", || async { watch.borrow().instances.len() == 1 }).await;
    for _ in 0..20 {
        let (attempt, report) = slow(connection.clone(), 1, Duration::from_secs(5)).await.expect("the other answers");
        assert_eq!((attempt, &report["pid"]), (1, &json!(other.id())));
    }
    hung.signal(Signal::CONT);
    eventually("it takes its turns again", || async {
        slow(connection.clone(), 1, LONG).await.is_ok_and(|(_, report)| report["pid"] == hung.id())
    })
    .await;
}

#[tokio::test]
async fn a_killed_broker_is_an_error_by_the_deadline_and_everything_comes_back() {
    let site = Site::new();
    let mut broker = site.broker(&[]);
    let worker = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    slow(connection.clone(), 1, LONG).await.expect("a reply");
    let timeout = Duration::from_secs(4);
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(slow(connection.clone(), 60_000, timeout));
    }
    // One that was not sent yet would truly not have been executed.
    eventually("some are at work and all others wait", || async {
        let depth = depth(&connection, QUEUE).await;
        depth.leased > 0 && depth.ready + depth.leased == 100
    })
    .await;
    let start = Instant::now();
    broker.kill();
    for result in calls.join_all().await {
        let status = result.expect_err("there is no broker");
        assert_ne!(status.outcome(), Outcome::NotStarted, "nobody may say that it was not executed: {status}");
        assert!(matches!(status.code(), Code::Aborted | Code::Unavailable | Code::DeadlineExceeded), "{status}");
    }
    assert!(start.elapsed() < timeout + Duration::from_secs(2), "by its deadline");
    let status = slow(connection.clone(), 1, Duration::from_secs(1)).await.expect_err("there is no broker");
    assert!(matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded), "{status}");
    worker.says("the broker stays away", 1).await;
    let _broker = site.broker(&[]);
    worker.says("connected to the broker again", 1).await;
    eventually("the call goes through again", || async {
        slow(connection.clone(), 1, Duration::from_secs(1)).await.is_ok()
    })
    .await;
    eventually("the instance is registered again", || async {
        connection.registry.list(&Default::default()).await.is_ok_and(|list| list.len() == 1)
    })
    .await;
}

#[tokio::test]
async fn each_process_can_be_restarted_under_load_without_an_error() {
    let site = Site::new();
    let mut broker = site.broker(&[]);
    let mut workers = [site.service("faulty", &[]), site.service("faulty", &[])];
    let connection = site.connect_when(2).await;
    let stop = watch::Sender::new(false);
    let mut load = JoinSet::new();
    for _ in 0..32 {
        let (connection, stop) = (connection.clone(), stop.subscribe());
        load.spawn(async move {
            let mut done = 0;
            while !*stop.borrow() {
                slow(connection.clone(), 2, LONG).await.expect("no error while processes are restarted");
                done += 1;
            }
            done
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for worker in &mut workers {
        worker.terminated().await;
        *worker = site.service("faulty", &[]);
        eventually("it is registered", || async {
            connection.registry.list(&Default::default()).await.is_ok_and(|list| list.len() == 2)
        })
        .await;
    }
    broker.terminated().await;
    broker = site.broker(&[]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.send_replace(true);
    let done: u64 = load.join_all().await.into_iter().sum();
    assert!(done > 200, "there was load: {done} calls");
    drop(broker);
}

#[tokio::test]
async fn a_gateway_that_is_stopped_under_load_finishes_what_it_has_begun() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let _worker = site.service("faulty", &[]);
    let _connection = site.connect_when(1).await;
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let start = || site.service("gateway", &[("SKYLOOM_LISTEN", listen.as_str())]);
    let request = move || try_http(port, "POST /faulty.v1.Faulty/Slow", Some(r#"{"millis":20}"#));
    let mut gateway = start();
    eventually("the gateway answers", || async { request().is_some_and(|response| response.status == 200) }).await;
    let stop = watch::Sender::new(false);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let stop = stop.subscribe();
            tokio::task::spawn_blocking(move || {
                let mut answered = 0;
                while !*stop.borrow() {
                    match request() {
                        Some(response) => {
                            assert_eq!(response.status, 200, "{}", response.text());
                            answered += 1;
                        }
                        // Between the two gateways nobody listens.
                        None => std::thread::sleep(Duration::from_millis(10)),
                    }
                }
                answered
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    gateway.terminated().await;
    let _gateway = start();
    eventually("the next gateway answers", || async { request().is_some_and(|response| response.status == 200) }).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.send_replace(true);
    for client in clients {
        let answered = client.await.expect("every answer is whole and well");
        assert!(answered > 5, "there was load: {answered} answers");
    }
}

#[tokio::test]
async fn what_panics_or_aborts_each_time_becomes_a_dead_letter_and_harms_nothing_else() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut worker = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    let status = call(&connection, QUEUE, "Panic", json!({}), LONG).await.expect_err("it panics");
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("told to panic"), "{status}");
    assert_eq!(depth(&connection, QUEUE).await.dead, 1);
    slow(connection.clone(), 1, LONG).await.expect("other work is unharmed");

    // Others are under way in the process that dies, and wait for one with it.
    worker.terminated().await;
    let mut others = JoinSet::new();
    for _ in 0..8 {
        others.spawn(slow(connection.clone(), 300, LONG));
    }
    eventually("they wait", || async { depth(&connection, QUEUE).await.ready == 8 }).await;
    let calling = {
        let connection = connection.clone();
        tokio::spawn(async move { call(&connection, QUEUE, "Abort", json!({}), LONG).await })
    };
    eventually("it waits with them", || async { depth(&connection, QUEUE).await.ready == 9 }).await;
    worker = site.service("faulty", &[]);
    for _ in 0..5 {
        worker.ended().await;
        worker = site.service("faulty", &[]);
    }
    for other in others.join_all().await {
        let (attempt, _) = other.expect("other work is unharmed");
        assert_eq!(attempt, 3, "twice it was lost with it, and then it was not with it any more");
    }
    let status = calling.await.unwrap().expect_err("it aborts each time");
    assert!(status.message().contains("5 times"), "{status}");
    let admin = connection.broker.admin().expect("an operator's view");
    let dead = admin.dead(&QUEUE.parse().unwrap(), 10).await.unwrap();
    assert_eq!(dead.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [5, 5]);
    assert!(dead[1].reason.contains("connection"), "{}", dead[1].reason);
    slow(connection.clone(), 1, LONG).await.expect("other work is unharmed");
}

#[tokio::test]
async fn at_most_once_is_never_executed_again() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    let mut worker = site.service("faulty", &[]);
    let connection = site.connect_when(1).await;
    let calling = {
        let connection = connection.clone();
        tokio::spawn(async move { call(&connection, QUEUE, "AbortOnce", json!({}), LONG).await })
    };
    worker.ended().await;
    let mut next = site.service("faulty", &[]);
    let status = calling.await.unwrap().expect_err("its worker is gone");
    assert_eq!(status.outcome(), Outcome::Unknown, "{status}");
    slow(connection.clone(), 1, LONG).await.expect("the next works");
    assert!(next.runs(), "the call was not given to another");
}

#[tokio::test]
async fn a_full_queue_refuses_and_stays_as_it_is() {
    let site = Site::new();
    let broker = site.broker(&["--queue-messages", "1000"]);
    let connection = site.connect_when(0).await;
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        calls.spawn(slow(connection.clone(), 0, LONG));
    }
    eventually("the queue is full", || async { depth(&connection, QUEUE).await.ready == 1_000 }).await;
    let refused = async |times: usize| {
        for _ in 0..times {
            let status = slow(connection.clone(), 0, LONG).await.expect_err("the queue is full");
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        }
    };
    refused(1_000).await;
    let resident = resident(broker.id());
    refused(10_000).await;
    let grown = self::resident(broker.id()).saturating_sub(resident);
    assert!(grown < 1024, "the broker's memory has grown by {grown} KiB, a hundred bytes for each that it refused");
    let _worker = site.service("faulty", &[]);
    for result in calls.join_all().await {
        result.expect("what was accepted is answered");
    }
}

/// Resident memory in KiB, as Linux tells it.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}
