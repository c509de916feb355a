//! What becomes of clients and workers when their broker or their connection goes and comes back.

mod broker;

mod echo;

mod proxy;

mod stalls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use skyloom_broker::{door::Address, engine::Limits};
use skyloom_broker_adapters::local::{LocalBroker, LocalOptions};
use skyloom_core::{
    Channel, Code, Envelope, Guid, Kind, Outcome, QueueName,
    broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions, Settlement},
    client::Client,
    registry::{Instance, Registry as _},
};
use skyloom_service_registry::local::LocalRegistry;
use skyloom_testing::load::one_way_says_that_it_was_not_sent;
use tokio::time::{Instant, sleep, timeout};

use self::{
    broker::{bind, bind_with},
    echo::{Echo, request},
    proxy::Proxy,
};

const SOON: Duration = Duration::from_secs(10);

fn socket(directory: &tempfile::TempDir) -> Address {
    Address::Unix(directory.path().join("broker.sock"))
}

fn connect(address: &Address) -> LocalBroker {
    LocalBroker::spawn(address.clone(), LocalOptions::default())
}

fn instance(host: &str) -> Instance {
    let (services, host, region) = (Vec::new(), host.to_owned(), String::new());
    Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 }
}

fn client(broker: &LocalBroker) -> Client {
    Client::new(Arc::new(broker.clone()))
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let broker = connect(&address);
    let error = broker.ready(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the broker is not available: nobody listens at {address}; start one with `sky up` or `sky broker`")
    );
    let _broker = bind(&address).await;
    timeout(SOON, broker.ready(SOON)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_could_not_be_sent_is_unavailable_by_its_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let (running, broker) = (bind(&address).await, connect(&address));
    let client = client(&broker);
    let _echo = Echo::start(Arc::new(connect(&address)), Duration::ZERO).await;
    client.call(request("first", SOON)).await.unwrap();
    running.kill().await;
    let started = Instant::now();
    // The connection's end may not have been noticed when the first of them is sent.
    sleep(Duration::from_millis(50)).await;
    let status = client.call(request("second", Duration::from_millis(300))).await.unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Unavailable, Outcome::NotStarted), "{status}");
    assert!(status.ledger().is_empty(), "nothing was sent: {}", status.ledger());
    // Less than an attempt to connect may take, or the longest pause and some of it.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_could_not_be_sent_one_way_says_that_it_was_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let running = bind(&address).await;
    let broker = connect(&address);
    timeout(SOON, broker.ready(SOON)).await.unwrap().unwrap();
    running.kill().await;
    one_way_says_that_it_was_not_sent(Arc::new(broker), &address.to_string()).await;
}

#[tokio::test]
async fn work_for_a_broker_that_is_away_waits_and_what_nobody_wants_any_more_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let broker = connect(&address);
    let channel = Channel::Queue(QueueName::new("work.v1").unwrap());
    let work = |text: &'static str| Envelope { payload: text.into(), ..Envelope::new(Kind::Cast, Guid::call()) };
    let wanted = broker.enqueue(&channel, work("wanted").into(), EnqueueOptions::default());
    drop(broker.enqueue(&channel, work("abandoned").into(), EnqueueOptions::default()));
    let also = broker.enqueue(&channel, work("also").into(), EnqueueOptions::default());
    let consumer = broker.consume(channel.clone(), ConsumeOptions::default());
    let _running = bind(&address).await;
    timeout(SOON, wanted).await.unwrap().unwrap();
    timeout(SOON, also).await.unwrap().unwrap();
    let mut consumer = timeout(SOON, consumer).await.unwrap().unwrap();
    for expected in ["wanted", "also"] {
        let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap();
        assert_eq!(delivery.envelope().payload, expected);
        delivery.settle(Settlement::Done).await.unwrap();
    }
    assert!(timeout(Duration::from_millis(100), consumer.next()).await.is_err());
}

#[tokio::test]
async fn more_than_may_wait_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let options = LocalOptions { held_messages: 2, ..LocalOptions::default() };
    let broker = LocalBroker::spawn(socket(&directory), options);
    let channel = Channel::Queue(QueueName::new("work.v1").unwrap());
    let put = || broker.enqueue(&channel, Envelope::new(Kind::Cast, Guid::call()).into(), EnqueueOptions::default());
    let (first, _second) = (put(), put());
    let refused = put().await;
    assert!(matches!(refused, Err(BrokerError::Full { .. })), "{refused:?}");
    // What nobody waits for any more makes room.
    drop(first);
    assert!(timeout(Duration::from_millis(50), put()).await.is_err(), "it waits");
}

/// kill -9 of the broker: what was under way has an unknown outcome, what is sent while it is away
/// waits, and everything is back when the broker is.
#[tokio::test]
async fn after_the_death_of_the_broker_everything_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let (running, broker, worker) = (bind(&address).await, connect(&address), connect(&address));
    let client = client(&broker);
    let _echo = Echo::start(Arc::new(worker.clone()), Duration::from_millis(100)).await;
    let registry = LocalRegistry::new(worker);
    let instance = instance("a");
    let _guard = registry.register(instance.clone(), Vec::new()).await.unwrap();
    client.call(request("warm", SOON)).await.unwrap();

    let under_way = tokio::spawn({
        let client = client.clone();
        async move { client.call(request("under way", SOON)).await }
    });
    sleep(Duration::from_millis(30)).await;
    running.kill().await;
    sleep(Duration::from_millis(30)).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.call(request("waiting", SOON)).await }
    });
    sleep(Duration::from_millis(30)).await;
    let _running = bind(&address).await;

    let status = timeout(SOON, under_way).await.unwrap().unwrap().unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Aborted, Outcome::Unknown), "{status}");
    let reply = timeout(SOON, waiting).await.unwrap().unwrap().expect("what was not sent is sent when it is back");
    assert_eq!(reply.payload, "waiting");
    client.call(request("after", SOON)).await.unwrap();
    let elsewhere = LocalRegistry::new(connect(&address));
    let mut watch = timeout(SOON, elsewhere.watch()).await.unwrap().unwrap();
    let back = watch.wait_for(|now| now.instances.contains_key(&instance.id));
    timeout(SOON, back).await.expect("the instance registers anew").unwrap();
}

/// kill -9 of the broker, which forgets the registry with it: who follows it does not take for gone who has not come back
/// yet, and does so only with whoever does not come.
#[tokio::test]
async fn a_broker_that_has_lost_the_registry_makes_nobody_vanish_who_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let running = bind(&address).await;
    let mut proxy = Proxy::start(&address);
    sleep(Duration::from_millis(20)).await;
    let (slow, gone) = (connect(proxy.address()), connect(proxy.address()));
    let [comes, stays_away] = [instance("comes"), instance("stays away")];
    let _comes = LocalRegistry::new(slow).register(comes.clone(), Vec::new()).await.unwrap();
    let _stays_away = LocalRegistry::new(gone.clone()).register(stays_away.clone(), Vec::new()).await.unwrap();
    let follower = connect(&address);
    let mut watch = timeout(SOON, LocalRegistry::new(follower.clone()).watch()).await.unwrap().unwrap();
    timeout(SOON, watch.wait_for(|now| now.instances.len() == 2)).await.unwrap().unwrap();

    running.kill().await;
    proxy.cut().await;
    gone.close().await;
    let _running = bind(&address).await;
    timeout(SOON, follower.ready(SOON)).await.unwrap().unwrap();
    let missed = watch.wait_for(|now| !now.instances.contains_key(&comes.id));
    assert!(timeout(Duration::from_millis(300), missed).await.is_err(), "it was taken for gone");
    proxy.mend();
    let mut without_it = 0;
    let last = watch.wait_for(|now| {
        without_it += u32::from(!now.instances.contains_key(&comes.id));
        !now.instances.contains_key(&stays_away.id)
    });
    timeout(SOON, last).await.expect("who does not come back is gone").unwrap();
    assert_eq!(without_it, 0);
}

/// A broker that stays away for longer than it would keep an inbox: who has sent something to it
/// need not wait until the deadline.
#[tokio::test]
async fn a_call_under_way_does_not_outwait_its_inbox() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let grace = Duration::from_millis(200);
    let running = bind_with(&address, Limits { inbox_grace: grace, ..Limits::default() }).await;
    let broker = connect(&address);
    let client = client(&broker);
    let _echo = Echo::start(Arc::new(connect(&address)), Duration::from_secs(60)).await;
    let call = tokio::spawn(async move { client.call(request("under way", SOON)).await });
    sleep(Duration::from_millis(100)).await;
    running.kill().await;
    let killed = Instant::now();
    let status = timeout(SOON, call).await.unwrap().unwrap().unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::Aborted, Outcome::Unknown), "{status}");
    assert!(killed.elapsed() >= grace - Duration::from_millis(5), "{:?}", killed.elapsed());
    assert!(killed.elapsed() < SOON / 2, "{:?}", killed.elapsed());
}

/// SIGTERM and a new start of the broker, again and again under load: nobody notices.
#[tokio::test]
async fn a_planned_restart_under_load_is_no_error_to_anybody() {
    const CALLERS: u32 = 32;
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let (mut running, broker) = (bind(&address).await, connect(&address));
    let client = client(&broker);
    let _echoes = [
        Echo::start(Arc::new(connect(&address)), Duration::from_millis(5)).await,
        Echo::start(Arc::new(connect(&address)), Duration::from_millis(5)).await,
    ];
    let (stopped, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (client, stopped, done) = (client.clone(), Arc::clone(&stopped), Arc::clone(&done));
            tokio::spawn(async move {
                let mut number = 0u32;
                while !stopped.load(Relaxed) {
                    let payload = format!("{caller}/{number}");
                    let reply = client.call(request(payload.clone(), SOON)).await?;
                    assert_eq!(reply.payload, payload);
                    done.fetch_add(1, Relaxed);
                    number += 1;
                }
                Ok::<_, skyloom_core::Status>(())
            })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(150)).await;
        running.stop().await;
        let before = done.load(Relaxed);
        running = bind(&address).await;
        timeout(SOON, async {
            while done.load(Relaxed) < before + 2 * CALLERS {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the calls go on after the restart");
    }
    stopped.store(true, Relaxed);
    for caller in callers {
        timeout(SOON, caller).await.unwrap().unwrap().expect("no caller sees an error");
    }
}

/// The leases that a worker held when the broker was restarted as planned are still its own.
#[tokio::test]
async fn work_in_hand_is_settled_after_a_planned_restart() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let (running, broker) = (bind(&address).await, connect(&address));
    let client = client(&broker);
    let worker = connect(&address);
    let channel = request("", SOON).channel;
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.unwrap();
    let call = tokio::spawn(async move { client.call(request("long", SOON)).await });
    let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap();
    running.stop().await;
    let reply = Envelope { payload: "done".into(), ..Envelope::new(Kind::Reply, delivery.envelope().id) };
    let settled = delivery.settle(Settlement::Reply(reply.into()));
    let _running = bind(&address).await;
    timeout(SOON, settled).await.unwrap().expect("the lease is still the worker's");
    assert_eq!(timeout(SOON, call).await.unwrap().unwrap().unwrap().payload, "done");
    let depth = timeout(SOON, worker.depth(&channel)).await.unwrap().unwrap();
    assert_eq!((depth.ready, depth.leased, depth.dead), (0, 0, 0));
}

/// A client whose connection breaks finds its inbox, and in it what came meanwhile.
#[tokio::test]
async fn an_inbox_survives_a_short_break_of_its_connection() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let _running = bind(&address).await;
    let mut proxy = Proxy::start(&address);
    sleep(Duration::from_millis(20)).await;
    let broker = connect(proxy.address());
    let client = client(&broker);
    let _echo = Echo::start(Arc::new(connect(&address)), Duration::from_millis(100)).await;
    client.call(request("warm", SOON)).await.unwrap();
    let call = tokio::spawn(async move { client.call(request("cut", SOON)).await });
    sleep(Duration::from_millis(30)).await;
    proxy.cut().await;
    sleep(Duration::from_millis(200)).await;
    assert!(!call.is_finished(), "the caller waits");
    proxy.mend();
    assert_eq!(timeout(SOON, call).await.unwrap().unwrap().unwrap().payload, "cut");
}

/// A worker whose connection breaks has lost its leases at once; settling them changes nothing, and
/// its consumer goes on.
#[tokio::test]
async fn leases_end_with_their_connection_and_the_consumer_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let address = socket(&directory);
    let _running = bind(&address).await;
    let mut proxy = Proxy::start(&address);
    sleep(Duration::from_millis(20)).await;
    let (sender, worker) = (connect(&address), connect(proxy.address()));
    let channel = Channel::Queue(QueueName::new("work.v1").unwrap());
    let mut consumer = worker.consume(channel.clone(), ConsumeOptions::default()).await.unwrap();
    sender.enqueue(&channel, Envelope::new(Kind::Cast, Guid::call()).into(), EnqueueOptions::default()).await.unwrap();
    let lost = timeout(SOON, consumer.next()).await.unwrap().unwrap();
    proxy.cut().await;
    sleep(Duration::from_millis(30)).await;
    assert_eq!(lost.settle(Settlement::Done).await, Err(BrokerError::Stale));
    proxy.mend();
    let again = timeout(SOON, consumer.next()).await.unwrap().unwrap();
    assert_eq!(again.attempt(), 2);
    again.settle(Settlement::Done).await.unwrap();
}

/// A process that is stopped (SIGSTOP) or hangs is gone from the registry within three seconds, and
/// back when it goes on.
#[test]
fn a_hanging_process_leaves_the_registry_and_returns() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let address = socket(&directory);
        let _running = bind(&address).await;
        let registry = LocalRegistry::new(connect(&address));
        let mut watch = timeout(SOON, registry.watch()).await.unwrap().unwrap();
        let id = Guid::private();
        let hanging = std::thread::spawn({
            let address = address.clone();
            move || hang(&address, id)
        });
        timeout(SOON, watch.wait_for(|now| now.instances.contains_key(&id))).await.unwrap().unwrap();
        // It hangs a moment after it has registered.
        let limit = Duration::from_millis(100) + Duration::from_secs(3);
        timeout(limit, watch.wait_for(|now| now.instances.is_empty())).await.expect("it is gone in time").unwrap();
        timeout(SOON, watch.wait_for(|now| now.instances.contains_key(&id))).await.expect("it is back").unwrap();
        hanging.join().unwrap();
    });
}

fn hang(address: &Address, id: Guid) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let registry = LocalRegistry::new(connect(address));
        let (services, host, region) = (Vec::new(), "a".to_owned(), String::new());
        let instance = Instance { id, services, host, region, pid: 2, started: 0 };
        let _guard = registry.register(instance, Vec::new()).await.expect("the instance is registered");
        sleep(Duration::from_millis(50)).await;
        // Nothing runs in this process for longer than the broker's patience.
        std::thread::sleep(Duration::from_secs(4));
        sleep(Duration::from_secs(1)).await;
    });
}
