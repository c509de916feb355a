//! A caller whose calls share entries, and what is seen of them at the server.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use skyloom_core::{
    Channel, Envelope, Guid, Kind,
    broker::{Broker, BrokerError, ConsumeOptions, Consumer, Delivery, EnqueueOptions, Inbox, ReplySink, Settlement},
};
use skyloom_testing::servers::{Server, redis_command, redis_launch};
use tokio::time::{sleep, timeout};

use super::{
    load::{SOON, cast, number},
    support::connect,
};

/// How many calls are made at once.
pub(crate) const CALLS: u32 = 64;

/// How each call of an inbox has ended, and how often.
#[derive(Default)]
pub(crate) struct Ends(Mutex<BTreeMap<Guid, Vec<Result<u32, BrokerError>>>>);

impl Ends {
    fn note(&self, call: Guid, end: Result<u32, BrokerError>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_default().push(end);
    }

    pub(crate) fn all(&self) -> BTreeMap<Guid, Vec<Result<u32, BrokerError>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many calls have ended.
    pub(crate) async fn count(&self, count: usize) {
        let ended = async {
            while self.all().len() < count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, ended).await.unwrap_or_else(|_| panic!("{} of {count} have ended", self.all().len()));
    }
}

impl ReplySink for Ends {
    fn reply(&self, reply: Arc<Envelope>) {
        self.note(reply.id, Ok(number(&reply)));
    }

    fn refused(&self, call: Guid, error: BrokerError) {
        self.note(call, Err(error));
    }

    fn lost(&self, error: BrokerError, _: &HashSet<Guid>) {
        panic!("nothing is lost here: {error}");
    }
}

/// A caller, whose calls may share entries.
pub(crate) struct Caller {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) ends: Arc<Ends>,
    inbox: Inbox,
}

impl Caller {
    pub(crate) async fn open(url: &str) -> Self {
        let broker = connect(url).await;
        let ends = Arc::<Ends>::default();
        let inbox = broker.open_inbox(Arc::clone(&ends) as Arc<dyn ReplySink>).await.expect("an inbox");
        Self { broker, ends, inbox }
    }

    /// A call of this inbox.
    pub(crate) fn envelope(&self, number: u32) -> Envelope {
        let mut call = Envelope::clone(&cast(number));
        (call.kind, call.reply_to, call.budget) = (Kind::Call, Some(self.inbox.id()), Some(SOON));
        call
    }

    /// Makes this many calls at once; returns their GUIDs in order.
    pub(crate) fn call(&self, channel: &Channel, count: u32) -> Vec<Guid> {
        let call = |number| {
            let call = self.envelope(number);
            let id = call.id;
            drop(self.broker.enqueue(channel, Arc::new(call), EnqueueOptions::default()));
            id
        };
        (0..count).map(call).collect()
    }
}

pub(crate) fn base(channel: &Channel) -> String {
    format!("skyloom:{{{channel}}}:queue")
}

pub(crate) fn figure(server: &Server, command: &str) -> u64 {
    let answer = redis_command(server, command);
    answer.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("{command} was answered {answer}"))
}

pub(crate) fn entries(server: &Server, channel: &Channel) -> u64 {
    figure(server, &format!("XLEN {}:work", base(channel)))
}

/// How many entries a channel has had so far.
pub(crate) fn entries_so_far(server: &Server, channel: &Channel) -> u64 {
    let read = "local about = redis.call('XINFO', 'STREAM', KEYS[1]) \
                for at = 1, #about, 2 do if about[at] == 'entries-added' then return about[at + 1] end end";
    figure(server, &format!("EVAL \"{read}\" 1 {}:work", base(channel)))
}

/// Waits until nobody consumes a channel any more.
pub(crate) async fn nobody_consumes(server: &Server, channel: &Channel) {
    let consumers = format!("HLEN {}:workers", base(channel));
    let gone = async {
        while figure(server, &consumers) > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, gone).await.expect("its workers leave");
}

pub(crate) async fn consume(broker: &Arc<dyn Broker>, channel: &Channel, options: ConsumeOptions) -> Consumer {
    broker.consume(channel.clone(), options).await.expect("a consumer")
}

pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    timeout(SOON, consumer.next()).await.expect("in time").expect("a delivery")
}

/// Answers with the number of the attempt.
pub(crate) fn answer(delivery: Delivery) -> skyloom_core::broker::Ack {
    let mut reply = Envelope::new(Kind::Reply, delivery.envelope().id);
    reply.payload = delivery.attempt().to_le_bytes().to_vec().into();
    delivery.settle(Settlement::Reply(Arc::new(reply)))
}

/// Asserts that each of these calls was answered once, by an attempt that is expected of it.
pub(crate) fn assert_answered(ends: &Ends, calls: &[Guid], attempt: impl Fn(&Guid) -> u32) {
    let all = ends.all();
    for call in calls {
        assert_eq!(all.get(call), Some(&vec![Ok(attempt(call))]), "{call}");
    }
}

pub(crate) fn start() -> (Server, String) {
    let server = Server::start(redis_launch());
    let url = format!("redis://127.0.0.1:{}", server.port());
    (server, url)
}

pub(crate) fn split(server: &Server, channel: &Channel) -> u64 {
    figure(server, &format!("HLEN {}:split", base(channel)))
}
