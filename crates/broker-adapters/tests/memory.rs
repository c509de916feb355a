//! What only the memory adapter promises: no runtime is needed, sinks may call the broker again,
//! many threads may use it, and its timer lasts no longer than there is something to wake for.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use futures_util::FutureExt as _;
use skyloom_broker::engine::Limits;
use skyloom_broker_adapters::{memory::MemoryBroker, registry::RegistryLink as _};
use skyloom_core::{
    Channel, Code, Codec, Envelope, Guid, Kind, QueueName,
    broker::{
        Ack, Broker as _, BrokerError, ConsumeOptions, Consumer, Delivery, EnqueueOptions, Inbox, ReplySink, Settlement,
    },
    client::{Client, Request},
    registry::Instance,
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::Instant,
};

const OPTIONS: EnqueueOptions = EnqueueOptions { priority: EnqueueOptions::DEFAULT_PRIORITY, delay: Duration::ZERO };

fn channel() -> Channel {
    Channel::Queue(QueueName::new("work.v1").expect("a valid queue"))
}

fn cast(number: u32) -> Envelope {
    Envelope { payload: number.to_le_bytes().to_vec().into(), ..Envelope::new(Kind::Cast, Guid::call()) }
}

fn now(ack: Ack) -> Result<(), BrokerError> {
    ack.into_ready().expect("the broker in memory knows at once")
}

fn consume(broker: &MemoryBroker, options: ConsumeOptions) -> Consumer {
    broker.consume(channel(), options).now_or_never().expect("it is known at once").expect("it is accepted")
}

fn open(broker: &MemoryBroker, sink: Arc<dyn ReplySink>) -> Inbox {
    broker.open_inbox(sink).now_or_never().expect("it is known at once").expect("it is accepted")
}

fn next(consumer: &mut Consumer) -> Option<Delivery> {
    match consumer.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(delivery) => delivery,
        Poll::Pending => None,
    }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Answers each reply with another call, as long as there are numbers left.
struct Chain {
    broker: MemoryBroker,
    inbox: Mutex<Option<Guid>>,
    heard: Mutex<Vec<u32>>,
}

impl Chain {
    fn call(&self, number: u32) {
        let reply_to = *self.inbox.lock().expect("no panic");
        now(self.broker.enqueue(
            &channel(),
            Arc::new(Envelope { kind: Kind::Call, reply_to, ..cast(number) }),
            OPTIONS,
        ))
        .expect("it is accepted");
    }
}

fn number(envelope: &Envelope) -> u32 {
    u32::from_le_bytes(envelope.payload[..].try_into().expect("a number"))
}

impl ReplySink for Chain {
    fn reply(&self, envelope: Arc<Envelope>) {
        let number = number(&envelope);
        self.heard.lock().expect("no panic").push(number);
        if number > 0 {
            self.call(number - 1);
        }
    }

    fn refused(&self, call: Guid, error: BrokerError) {
        panic!("call {call} was refused: {error}");
    }

    fn lost(&self, _: BrokerError, _: &HashSet<Guid>) {}
}

fn answer(delivery: Delivery) {
    let request = Arc::clone(delivery.envelope());
    let reply = Envelope { payload: request.payload.clone(), ..Envelope::new(Kind::Reply, request.id) };
    now(delivery.settle(Settlement::Reply(Arc::new(reply)))).expect("the lease is held");
}

#[test]
fn a_sink_may_call_the_broker_again_and_no_runtime_is_needed() {
    let broker = MemoryBroker::default();
    let mut consumer = consume(&broker, ConsumeOptions::default());
    let chain = Arc::new(Chain { broker: broker.connect(), inbox: Mutex::default(), heard: Mutex::default() });
    let inbox = open(&chain.broker, chain.clone());
    *chain.inbox.lock().unwrap() = Some(inbox.id());
    chain.call(3);
    while let Some(delivery) = next(&mut consumer) {
        answer(delivery);
    }
    assert_eq!(*chain.heard.lock().unwrap(), [3, 2, 1, 0]);
    drop(inbox);
    assert_eq!(Arc::strong_count(&chain), 1, "a closed inbox lets go of its sink");
}

struct Panics;

impl ReplySink for Panics {
    fn reply(&self, _: Arc<Envelope>) {
        panic!("this sink is broken");
    }

    fn refused(&self, _: Guid, _: BrokerError) {}

    fn lost(&self, _: BrokerError, _: &HashSet<Guid>) {}
}

#[test]
fn a_sink_that_panics_does_not_silence_the_broker() {
    let broker = MemoryBroker::default();
    let mut consumer = consume(&broker, ConsumeOptions::default());
    let inbox = open(&broker, Arc::new(Panics));
    let request = Envelope { kind: Kind::Call, reply_to: Some(inbox.id()), ..cast(1) };
    now(broker.enqueue(&channel(), request.into(), OPTIONS)).unwrap();
    let delivery = next(&mut consumer).unwrap();
    let panicked = thread::spawn(move || answer(delivery)).join();
    assert!(panicked.is_err());
    now(broker.enqueue(&channel(), cast(2).into(), OPTIONS)).unwrap();
    assert_eq!(number(next(&mut consumer).unwrap().envelope()), 2);
}

#[test]
fn without_a_runtime_a_lease_ends_at_the_next_step() {
    let broker = MemoryBroker::default();
    let mut consumer =
        consume(&broker, ConsumeOptions { lease: Duration::from_millis(20), ..ConsumeOptions::default() });
    now(broker.enqueue(&channel(), cast(1).into(), OPTIONS)).unwrap();
    let hung = next(&mut consumer).unwrap();
    thread::sleep(Duration::from_millis(40));
    assert_eq!(now(hung.settle(Settlement::Done)), Err(BrokerError::Stale));
    assert_eq!(next(&mut consumer).unwrap().attempt(), 2);
}

#[tokio::test]
async fn times_beyond_the_clock_are_for_ever() {
    let broker = MemoryBroker::default();
    let mut consumer = consume(&broker, ConsumeOptions { lease: Duration::MAX, ..ConsumeOptions::default() });
    let work = Envelope { budget: Some(Duration::MAX), ..cast(1) };
    now(broker.enqueue(&channel(), work.into(), OPTIONS)).unwrap();
    now(broker.enqueue(&channel(), cast(2).into(), EnqueueOptions { delay: Duration::MAX, ..OPTIONS })).unwrap();
    let delivery = next(&mut consumer).unwrap();
    assert_eq!((number(delivery.envelope()), delivery.deadline()), (1, None));
    now(delivery.settle(Settlement::Done)).unwrap();
    assert!(next(&mut consumer).is_none());
}

#[test]
fn what_a_dropped_consumer_has_not_seen_is_not_attempted() {
    let broker = MemoryBroker::default();
    for number in 0..3 {
        now(broker.enqueue(&channel(), cast(number).into(), OPTIONS)).unwrap();
    }
    let mut consumer = consume(&broker, ConsumeOptions::default());
    let seen = next(&mut consumer).unwrap();
    drop(consumer);
    drop(seen);
    let mut other = consume(&broker, ConsumeOptions::default());
    let attempts: Vec<_> = std::iter::from_fn(|| next(&mut other)).map(|delivery| delivery.attempt()).take(3).collect();
    assert_eq!(attempts, [2, 1, 1]);
}

/// Four threads put numbers on one queue and four others take them: none is lost, none comes twice,
/// and each taker sees the numbers of one sender in their order.
#[test]
fn threads_share_the_broker_and_keep_the_order() {
    const SENDERS: u32 = 4;
    const EACH: u32 = 2_000;
    let broker = MemoryBroker::default();
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let broker = broker.connect();
            runtime.spawn(async move {
                let mut consumer = consume(&broker, ConsumeOptions { credit: 8, ..ConsumeOptions::default() });
                let mut taken = Vec::new();
                while let Some(delivery) = consumer.next().await {
                    let number = number(delivery.envelope());
                    delivery.settle(Settlement::Done).await.unwrap();
                    if number == u32::MAX {
                        break;
                    }
                    taken.push(number);
                }
                taken
            })
        })
        .collect();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let broker = broker.connect();
            thread::spawn(move || {
                for number in 0..EACH {
                    now(broker.enqueue(&channel(), cast(sender * EACH + number).into(), OPTIONS)).unwrap();
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let mut all = HashSet::new();
    for _ in 0..takers.len() {
        // With equal priorities these come last; whoever gets one stops.
        now(broker.enqueue(&channel(), cast(u32::MAX).into(), OPTIONS)).unwrap();
    }
    for taker in takers {
        let taken =
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), taker).await }).unwrap().unwrap();
        for sender in 0..SENDERS {
            let of_one: Vec<_> = taken.iter().filter(|number| **number / EACH == sender).collect();
            assert!(of_one.is_sorted(), "the order of sender {sender} was kept");
        }
        all.extend(taken);
    }
    assert_eq!(all.len(), (SENDERS * EACH) as usize);
}

#[tokio::test(start_paused = true)]
async fn a_delay_ends_on_time_and_the_timer_with_it() {
    let idle = Duration::from_secs(60);
    let broker = MemoryBroker::new(Limits { channel_idle: idle, ..Limits::default() });
    let delay = Duration::from_secs(5);
    let start = Instant::now();
    now(broker.enqueue(&channel(), cast(1).into(), EnqueueOptions { delay, ..OPTIONS })).unwrap();
    let mut consumer = consume(&broker, ConsumeOptions::default());
    let delivery = consumer.next().await.unwrap();
    let waited = start.elapsed();
    assert!(waited >= delay && waited < delay + Duration::from_millis(5), "{waited:?}");
    delivery.settle(Settlement::Done).await.unwrap();
    drop(consumer);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1, "the timer");
    tokio::time::sleep(idle * 2).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "nothing is left to wake for");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_leaves_nothing_behind() {
    let client = Client::new(Arc::new(MemoryBroker::default()));
    let mut request = Request::new(channel(), "Work", Codec::Protobuf, "".into());
    request.timeout = Some(Duration::from_secs(5));
    let status = client.call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(Handle::current().metrics().num_alive_tasks() > 0, "its deadlines are kept by a task");
    drop(client);
    // What the broker has still to do for the channel that nobody consumes.
    tokio::time::sleep(Limits::default().channel_idle * 2).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn work_whose_lease_ended_goes_to_another_first_and_else_to_the_only_consumer_again() {
    let broker = MemoryBroker::default();
    let other = broker.connect();
    let lease = Duration::from_millis(100);
    let options = ConsumeOptions { lease, credit: 2, ..ConsumeOptions::default() };
    let mut first = consume(&broker, options);
    now(broker.enqueue(&channel(), cast(1).into(), OPTIONS)).unwrap();
    let soon = async |consumer: &mut Consumer| tokio::time::timeout(lease * 2, consumer.next()).await.unwrap().unwrap();
    let lost = [soon(&mut first).await, soon(&mut first).await];
    assert_eq!(lost.each_ref().map(Delivery::attempt), [1, 2], "nobody else is there, and time alone brings it back");
    let mut second = consume(&other, options);
    let again = soon(&mut second).await;
    assert_eq!(again.attempt(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_instance_within_the_process_does_not_fall_silent() {
    let broker = MemoryBroker::default();
    let (services, host, region) = (Vec::new(), String::new(), String::new());
    let instance = Instance { id: Guid::private(), services, host, region, pid: 1, started: 0 };
    now(broker.register(instance, Vec::new())).unwrap();
    let watch = broker.follow().watch().await;
    tokio::time::sleep(Limits::default().silence * 4).await;
    assert_eq!(watch.borrow().instances.len(), 1);
    assert!(!watch.has_changed().unwrap(), "it was not away in between");
}

#[test]
fn another_runtime_takes_over_when_the_timers_ends() {
    let broker = MemoryBroker::default();
    let lease = Duration::from_millis(100);
    let mut consumer = consume(&broker, ConsumeOptions { lease, ..ConsumeOptions::default() });
    let first = current_thread();
    let hung = first.block_on(async {
        now(broker.enqueue(&channel(), cast(1).into(), OPTIONS)).unwrap();
        consumer.next().await.unwrap()
    });
    drop(first);
    current_thread().block_on(async {
        now(broker.enqueue(&Channel::Queue(QueueName::new("other.v1").unwrap()), cast(2).into(), OPTIONS)).unwrap();
        let again = tokio::time::timeout(Duration::from_secs(10), consumer.next()).await.unwrap().unwrap();
        assert_eq!(again.attempt(), 2);
    });
    drop(hung);
}

#[test]
fn a_broker_that_nobody_holds_lets_go_of_everything() {
    let broker = MemoryBroker::default();
    let chain = Arc::new(Chain { broker: broker.connect(), inbox: Mutex::default(), heard: Mutex::default() });
    let watched: Weak<dyn ReplySink> = {
        let sink: Arc<dyn ReplySink> = chain.clone();
        Arc::downgrade(&sink)
    };
    let inbox = open(&broker, chain);
    let consumer = consume(&broker, ConsumeOptions::default());
    now(broker.enqueue(&channel(), cast(1).into(), OPTIONS)).unwrap();
    drop((consumer, inbox, broker));
    assert!(watched.upgrade().is_none());
}
