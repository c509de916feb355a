//! Rights, memory and size: what a server does not allow is the sender's error.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::Arc,
    thread::{JoinHandle, spawn},
    time::Duration,
};

use skyloom_broker_adapters::redis::RedisLink;
use skyloom_core::{
    Codec, Envelope, Kind,
    broker::{BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::{Client, Request},
};
use skyloom_testing::servers::{Server, redis_command, redis_launch};
use tokio::time::timeout;

use super::{
    load::{SOON, cast, queue, until_answered, work},
    support::{PATIENCE, Process, connect, run},
};

/// The page whose rule says what a user needs.
const PAGE: &str = include_str!("../../../../docs/brokers.md");

#[test]
fn the_least_rights_are_enough() {
    run(async {
        let rule = PAGE.lines().find(|line| line.starts_with("user skyloom ")).expect("the page has a rule");
        let launch = redis_launch();
        std::fs::write(launch.directory().join("users.acl"), rule).expect("it can be written");
        let server = Server::start(launch.args(["--aclfile", "users.acl"]));
        assert_eq!(redis_command(&server, "ACL SETUSER default off"), "+OK");
        let url = format!("redis://skyloom:password@127.0.0.1:{}", server.port());
        let broker = connect(&url).await;
        let channel = queue("modest.v1");
        work(Arc::clone(&broker), channel.clone(), Arc::default());
        until_answered(&Client::new(Arc::clone(&broker)), &channel).await;

        let failing = queue("failing.v1");
        let options = ConsumeOptions { max_attempts: 2, ..ConsumeOptions::default() };
        let later = EnqueueOptions { delay: Duration::from_millis(1), ..EnqueueOptions::default() };
        broker.enqueue(&failing, cast(1), later).await.expect("it is accepted");
        let mut consumer = broker.consume(failing.clone(), options).await.expect("a consumer");
        for _ in 0..2 {
            drop(timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery"));
        }
        let admin = broker.admin().expect("there is a view");
        let dead = async {
            while admin.dead(&failing, 10).await.expect("they are listed").is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, dead).await.expect("it becomes a dead letter");
        assert_eq!(admin.kick(&failing, None, 10).await, Ok(1));
        let again = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        again.extend().await.expect("the lease goes on");
        again.once().await.expect("it is claimed");
        again.settle(Settlement::Bury { reason: "no".to_owned() }).await.expect("it is buried");
        assert_eq!(admin.drop_dead(&failing, None).await, Ok(1));
        assert_eq!(admin.channels().await.expect("they are listed").len(), 2);
        consumer.stop().await.expect("it stops");

        let group = "links.visited/audit".parse().expect("a group");
        let mut audit = broker.consume(group, ConsumeOptions::default()).await.expect("a consumer");
        let topic = skyloom_core::TopicName::new("links.visited").expect("a topic");
        broker.publish(&topic, Envelope::clone(&cast(7)).into()).await.expect("it is published");
        assert!(timeout(SOON, audit.next()).await.expect("in time").is_some());
        RedisLink::connect(&url.parse().expect("a URL"), PATIENCE).await.expect("a registry");
        broker.close().await;
    });
}

#[test]
fn a_server_whose_memory_is_full_is_the_senders_error_and_its_work_can_be_done() {
    run(async {
        let server = Server::start(redis_launch().args(["--maxmemory", "8mb", "--maxmemory-policy", "noeviction"]));
        let broker = connect(&format!("redis://127.0.0.1:{}", server.port())).await;
        let channel = queue("heavy.v1");
        let mut heavy = Envelope::new(Kind::Cast, skyloom_core::Guid::call());
        heavy.payload = vec![1; 64 << 10].into();
        let heavy = Arc::new(heavy);
        let mut accepted = 0;
        let error = loop {
            match broker.enqueue(&channel, Arc::clone(&heavy), EnqueueOptions::default()).await {
                Ok(()) => accepted += 1,
                Err(error) => break error,
            }
            assert!(accepted < 1_000, "the memory is full at some time");
        };
        assert!(matches!(&error, BrokerError::Full { what, .. } if what == "Redis's memory"), "{error:?}");
        assert!(accepted > 5, "{accepted}");
        // A caller hears the same, and not nothing.
        let client = Client::new(Arc::clone(&broker));
        let request = Request::new(channel.clone(), "Echo", Codec::Json, heavy.payload.clone());
        let status = timeout(SOON, client.call(request)).await.expect("in time").expect_err("nothing is accepted");
        assert_eq!(status.code(), skyloom_core::Code::ResourceExhausted, "{status:?}");
        let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        for _ in 0..accepted {
            let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
            delivery.settle(Settlement::Done).await.expect("it is settled");
        }
        broker.enqueue(&channel, heavy, EnqueueOptions::default()).await.expect("there is room again");
    });
}

#[test]
fn a_queue_is_bounded_in_bytes_too() {
    run(async {
        let server = Server::start(redis_launch());
        let broker = connect(&format!("redis://127.0.0.1:{}?queue_bytes=100000", server.port())).await;
        let channel = queue("bytes.v1");
        let mut large = Envelope::new(Kind::Cast, skyloom_core::Guid::call());
        large.payload = vec![1; 60_000].into();
        let large = Arc::new(large);
        let put = || broker.enqueue(&channel, Arc::clone(&large), EnqueueOptions::default());
        put().await.expect("there is room");
        let error = put().await.expect_err("there is no room");
        assert!(matches!(&error, BrokerError::Full { limit, .. } if limit == "100000 bytes"), "{error:?}");
        let mut consumer = broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        let delivery = timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery");
        delivery.settle(Settlement::Done).await.expect("it is settled");
        put().await.expect("there is room again");
    });
}

/// How many messages each script has put on a queue, by what the server lets watch until it ends.
fn watch_scripts(server: &Server) -> JoinHandle<Vec<usize>> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the server is there");
    stream.write_all(b"MONITOR\r\n").expect("it can be asked");
    let mut said = BufReader::new(stream);
    let mut line = Vec::new();
    said.read_until(b'\n', &mut line).expect("it answers");
    assert_eq!(line, b"+OK\r\n");
    spawn(move || {
        let mut put = vec![0];
        loop {
            line.clear();
            if !said.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                return put;
            }
            let start = String::from_utf8_lossy(&line[..line.len().min(100)]);
            if start.contains("\"EVALSHA\"") {
                put.push(0);
            } else if start.contains(" lua] \"XADD\"") {
                *put.last_mut().expect("there is one") += 1;
            }
        }
    })
}

/// What a lost worker held is given back in parts, however large it is: a script runs alone, and all others wait.
#[test]
fn nobody_waits_for_all_that_a_lost_worker_held() {
    const COUNT: usize = 32;
    run(async {
        let server = Server::start(redis_launch());
        let url = format!("redis://127.0.0.1:{}", server.port());
        let (broker, doomed) = (connect(&url).await, Process::start(&url).await);
        let channel = queue("large.v1");
        let mut large = Envelope::new(Kind::Cast, skyloom_core::Guid::call());
        large.payload = vec![b'a'; 1 << 20].into();
        let large = Arc::new(large);
        for _ in 0..COUNT {
            let put = broker.enqueue(&channel, Arc::clone(&large), EnqueueOptions::default());
            put.await.expect("there is room");
        }
        let mut first = doomed.broker.consume(channel.clone(), ConsumeOptions::default()).await.expect("a consumer");
        for _ in 0..COUNT {
            let delivery = timeout(SOON, first.next()).await.expect("in time").expect("a delivery");
            // It is not settled, and not given back either.
            std::mem::forget(delivery);
        }
        let scripts = watch_scripts(&server);
        doomed.kill();
        let mut second = broker.consume(channel, ConsumeOptions::default()).await.expect("a consumer");
        for _ in 0..COUNT {
            let delivery = timeout(SOON, second.next()).await.expect("in time").expect("a delivery");
            assert_eq!(delivery.attempt(), 2);
            delivery.settle(Settlement::Done).await.expect("it is settled");
        }
        drop(server);
        let put = scripts.join().expect("it is watched");
        assert_eq!(put.iter().sum::<usize>(), COUNT);
        assert!(put.iter().all(|put| *put <= COUNT / 4), "{put:?}");
    });
}

#[test]
fn nothing_is_left_of_clients_and_instances_that_are_gone() {
    run(async {
        let server = Server::start(redis_launch());
        let url = format!("redis://127.0.0.1:{}", server.port());
        let (caller, worker) = (connect(&url).await, connect(&url).await);
        let channel = queue("tidy.v1");
        work(Arc::clone(&worker), channel.clone(), Arc::default());
        until_answered(&Client::new(Arc::clone(&caller)), &channel).await;
        let instance = skyloom_core::Channel::Instance(skyloom_core::Guid::private());
        drop(worker.consume(instance, ConsumeOptions::default()).await.expect("a consumer"));
        caller.close().await;
        worker.close().await;
        let left = async {
            loop {
                let keys = redis_command(&server, "KEYS *");
                if !keys.contains(":inbox") && !keys.contains(":instance") {
                    return keys;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let keys = timeout(SOON, left).await.expect("inboxes and instances go");
        assert!(keys.contains("skyloom:{tidy.v1}:queue:work"), "the queue stays: {keys}");
    });
}
