//! Transactions at a server: what one does, and that one that does nothing leaves nothing behind.

use std::{collections::HashSet, sync::Arc};

use ::redis::{Client, FromRedisValue, Value, aio::MultiplexedConnection};
use bytes::Bytes;
use skyloom_core::{
    Envelope, Guid, Kind,
    broker::{BrokerError, ReplySink},
};
use skyloom_testing::servers::{Server, redis_command, redis_launch};

use super::{
    batch::{Batch, Sharing, Verdict, Way},
    entry::entries,
    link::load_scripts,
    names::{Names, Place, inbox_key},
    op::{Op, Part, Then, What},
    transaction::is_allowed,
};
use crate::remote::{BrokerUrl, QueueLimits};

struct NoSink;

impl ReplySink for NoSink {
    fn reply(&self, _: Arc<Envelope>) {}

    fn refused(&self, _: Guid, _: BrokerError) {}

    fn lost(&self, _: BrokerError, _: &HashSet<Guid>) {}
}

/// How many calls there are, and the bytes of each.
const CALLS: u32 = 40;
const SIZE: usize = 100;

/// A queue at a server of its own, and an inbox.
struct Queue {
    server: Server,
    connection: MultiplexedConnection,
    place: Arc<Place>,
    limits: QueueLimits,
    inbox: Guid,
    bodies: Vec<Bytes>,
}

fn body() -> Bytes {
    let mut envelope = Envelope::new(Kind::Call, Guid::call());
    envelope.payload = vec![b'x'; SIZE].into();
    envelope.encode()
}

async fn connect(server: &Server) -> MultiplexedConnection {
    let client = Client::open(("127.0.0.1", server.port())).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

impl Queue {
    async fn start(options: &str, arguments: &[&str]) -> Self {
        let server = Server::start(redis_launch().args(arguments.iter().copied()));
        let url: BrokerUrl = format!("redis://127.0.0.1:{}{options}", server.port()).parse().unwrap();
        let place = Names::new("skyloom").channel(&"whole.v1".parse().unwrap());
        let mut connection = connect(&server).await;
        load_scripts(&mut connection).await.unwrap();
        let bodies = (0..CALLS).map(|_| body()).collect();
        let limits = QueueLimits::of(&url).unwrap();
        let mut queue = Self { server, connection, place, limits, inbox: Guid::private(), bodies };
        queue.ask::<()>(&format!("XGROUP CREATE {} workers 0 MKSTREAM", queue.key("work"))).await;
        queue.ask::<String>(&format!("XADD {} 1-0 o 1", queue.inbox())).await;
        queue
    }

    fn key(&self, word: &str) -> String {
        format!("{}:{word}", self.place.base)
    }

    fn inbox(&self) -> String {
        inbox_key("skyloom", self.inbox)
    }

    async fn ask<T: FromRedisValue>(&mut self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut asked = ::redis::cmd(words.next().unwrap());
        for word in words {
            asked.arg(word);
        }
        asked.query_async(&mut self.connection).await.unwrap()
    }

    /// How many entries there are, and the messages and bytes that are counted.
    async fn held(&mut self) -> (u64, Option<i64>, Option<i64>) {
        let entries = self.ask(&format!("XLEN {}", self.key("work"))).await;
        let (more, bytes) = self.ask(&format!("HMGET {} more bytes", self.key("count"))).await;
        (entries, more, bytes)
    }

    fn bytes(&self) -> usize {
        self.bodies.iter().map(Bytes::len).sum()
    }

    fn op(&self, what: What, then: Then) -> Op {
        Op::new(Arc::clone(&self.place), what, then)
    }

    async fn send(&mut self, ops: Vec<Op>, way: Way) -> Verdict {
        let mut batch = Batch::whole(&mut ops.into()).expect("they are one command");
        let commands = batch.commands(&self.limits, |_| way, |_, _| Sharing { most: 64, counts: true });
        let count = batch.answers();
        assert_eq!(count, if way == Way::Transaction { 4 } else { 1 });
        let answers = self.connection.send_packed_commands(&commands, 0, count).await.unwrap();
        batch.answered(answers).next().unwrap().1
    }

    async fn put(&mut self, way: Way) -> Verdict {
        let put = |body: &Bytes| {
            let what = What::Put { delay: 0, expires: None, body: body.clone() };
            self.op(what, Then::Call(Arc::new(NoSink), Guid::call()))
        };
        self.send(self.bodies.iter().map(put).collect(), way).await
    }

    /// Gives the entry to a worker, and says which it is.
    async fn take(&mut self) -> String {
        let taken = format!("XREADGROUP GROUP workers me COUNT 1 STREAMS {} >", self.key("work"));
        let _: Value = self.ask(&taken).await;
        let pending = format!("XPENDING {} workers - + 1", self.key("work"));
        let ((id, ..),): ((String, String, u64, u64),) = self.ask(&pending).await;
        id
    }

    async fn settle(&mut self, id: &str, way: Way) -> Verdict {
        let finish = |(number, body): (u32, &Bytes)| {
            let (part, reply) = (Part { number, of: CALLS }, Some((self.inbox, body.clone())));
            self.op(What::Finish { id: id.to_owned().into(), part, size: body.len(), reply }, Then::Nobody)
        };
        self.send((1..).zip(&self.bodies).map(finish).collect(), way).await
    }

    async fn answers(&mut self) -> u64 {
        self.ask(&format!("XLEN {}", self.inbox())).await
    }
}

/// A list of this length, and nothing else.
fn is_done(verdict: &Verdict, length: usize) -> bool {
    matches!(verdict, Verdict::Done(Value::Array(answer)) if answer.len() == length)
}

#[tokio::test]
async fn calls_are_put_and_answered_as_a_whole() {
    let mut queue = Queue::start("", &[]).await;
    let count = queue.key("count");
    for round in 1..=2 {
        assert!(is_done(&queue.put(Way::Transaction).await, 1));
        let bytes = i64::try_from(queue.bytes()).unwrap();
        assert_eq!(queue.held().await, (1, Some(i64::from(CALLS) - 1), Some(bytes)));
        let id = queue.take().await;
        assert!(is_done(&queue.settle(&id, Way::Transaction).await, 0));
        assert_eq!(queue.held().await, (0, Some(0), Some(0)));
        assert_eq!(queue.answers().await, 1 + round);
        let figures: (u64, u64) = queue.ask(&format!("HMGET {count} enqueued settled")).await;
        assert_eq!(figures, (u64::from(CALLS) * round, u64::from(CALLS) * round));
    }
}

#[tokio::test]
async fn what_a_queue_has_no_room_for_is_taken_back_before_anybody_sees_it() {
    for bound in ["?queue_messages=60", "?queue_bytes=8000"] {
        let mut queue = Queue::start(bound, &[]).await;
        assert!(is_done(&queue.put(Way::Transaction).await, 1));
        let before = queue.held().await;
        assert!(matches!(queue.put(Way::Transaction).await, Verdict::Nothing));
        assert_eq!(queue.held().await, before, "{bound}");
        // A script lets in those for which there is room.
        let Verdict::Done(Value::Array(answer)) = queue.put(Way::Script).await else { panic!("it is done in part") };
        let refused = u64::try_from((answer.len() - 1) / 2).unwrap();
        assert!(0 < refused && refused < u64::from(CALLS), "{refused} are refused");
        assert_eq!(queue.held().await.0, before.0 + u64::from(CALLS) - refused);
    }
}

#[tokio::test]
async fn who_waits_for_a_queue_gets_nothing_of_what_was_taken_back() {
    let mut queue = Queue::start("?queue_messages=60", &[]).await;
    assert!(is_done(&queue.put(Way::Transaction).await, 1));
    queue.take().await;
    let (mut other, work) = (connect(&queue.server).await, queue.key("work"));
    let waiting = tokio::spawn(async move {
        let mut read = ::redis::cmd("XREADGROUP");
        read.arg("GROUP").arg("workers").arg("other").arg("BLOCK").arg(300).arg("STREAMS").arg(work).arg(">");
        read.query_async::<Value>(&mut other).await.unwrap()
    });
    while !queue.ask::<String>("INFO clients").await.contains("blocked_clients:1") {
        tokio::task::yield_now().await;
    }
    assert!(matches!(queue.put(Way::Transaction).await, Verdict::Nothing));
    assert!(entries(waiting.await.unwrap()).is_empty());
}

#[tokio::test]
async fn what_is_held_back_or_dead_counts() {
    let mut queue = Queue::start("?queue_messages=41", &[]).await;
    queue.ask::<String>(&format!("XADD {} 1-0 e x", queue.key("dead"))).await;
    queue.ask::<u64>(&format!("ZADD {} 1 x", queue.key("later"))).await;
    queue.ask::<u64>(&format!("HSET {} kept 2 bytes 2", queue.key("count"))).await;
    assert!(matches!(queue.put(Way::Transaction).await, Verdict::Nothing));
    assert_eq!(queue.held().await, (0, None, Some(2)));
    queue.ask::<u64>(&format!("DEL {}", queue.key("later"))).await;
    assert!(is_done(&queue.put(Way::Transaction).await, 1), "one is dead, and there is room for forty");
    assert_eq!(queue.held().await.2, Some(2 + i64::try_from(queue.bytes()).unwrap()));
    // A figure that is wrong is put right by a script.
    let mut queue = Queue::start("", &[]).await;
    queue.ask::<u64>(&format!("HSET {} kept 7 bytes 7", queue.key("count"))).await;
    assert!(matches!(queue.put(Way::Transaction).await, Verdict::Nothing));
    assert!(is_done(&queue.put(Way::Script).await, 1));
    assert_eq!(queue.held().await.2, i64::try_from(queue.bytes()).ok());
}

#[tokio::test]
async fn the_answers_of_a_lease_that_has_ended_are_taken_back() {
    let mut queue = Queue::start("", &[]).await;
    assert!(is_done(&queue.put(Way::Transaction).await, 1));
    let id = queue.take().await;
    let (work, before) = (queue.key("work"), queue.held().await);
    queue.ask::<u64>(&format!("XACK {work} workers {id}")).await;
    let verdict = queue.settle(&id, Way::Transaction).await;
    assert!(matches!(verdict, Verdict::Done(value) if value == Value::Array(vec![Value::Int(1)])), "it is stale");
    assert_eq!(queue.answers().await, 1, "what was there before");
    assert_eq!(queue.held().await, before);
}

#[tokio::test]
async fn an_inbox_that_is_gone_or_is_none_is_in_nobodys_way() {
    let mut queue = Queue::start("", &[]).await;
    let inbox = queue.inbox();
    for other in ["", "SET"] {
        queue.ask::<u64>(&format!("DEL {inbox}")).await;
        if !other.is_empty() {
            queue.ask::<()>(&format!("{other} {inbox} 1")).await;
        }
        assert!(is_done(&queue.put(Way::Transaction).await, 1));
        let id = queue.take().await;
        assert!(is_done(&queue.settle(&id, Way::Transaction).await, 0));
        assert_eq!(queue.held().await, (0, Some(0), Some(0)));
        assert_eq!(queue.ask::<u64>(&format!("EXISTS {inbox}")).await, u64::from(!other.is_empty()));
        assert!(is_done(&queue.put(Way::Transaction).await, 1));
        let id = queue.take().await;
        queue.ask::<u64>(&format!("XACK {} workers {id}", queue.key("work"))).await;
        assert!(is_done(&queue.settle(&id, Way::Transaction).await, 1), "it is stale");
        queue.ask::<u64>(&format!("XDEL {} {id}", queue.key("work"))).await;
        queue.ask::<u64>(&format!("DEL {}", queue.key("count"))).await;
    }
}

#[tokio::test]
async fn a_server_whose_memory_is_full_takes_nothing_and_a_script_ends_the_lease() {
    let mut queue = Queue::start("", &["--maxmemory-policy", "noeviction"]).await;
    assert!(is_done(&queue.put(Way::Transaction).await, 1));
    let id = queue.take().await;
    queue.ask::<()>("CONFIG SET maxmemory 1").await;
    let before = queue.held().await;
    assert!(matches!(queue.put(Way::Transaction).await, Verdict::Nothing));
    let Verdict::Refused(error) = queue.put(Way::Script).await else { panic!("it is full") };
    assert!(error.to_string().contains("OOM"), "{error}");
    assert!(matches!(queue.settle(&id, Way::Transaction).await, Verdict::Nothing));
    assert_eq!((queue.held().await, queue.answers().await), (before, 1));
    assert!(is_done(&queue.settle(&id, Way::Script).await, 0));
    assert_eq!((queue.held().await.0, queue.answers().await), (0, 2));
}

#[tokio::test]
async fn who_may_make_no_transaction_is_found_out_and_what_he_did_without_is_unknown() {
    let mut queue = Queue::start("", &[]).await;
    assert!(is_allowed(&mut queue.connection).await.unwrap());
    assert!(is_done(&queue.put(Way::Transaction).await, 1));
    assert_eq!(redis_command(&queue.server, "ACL SETUSER default -multi"), "+OK");
    assert!(!is_allowed(&mut queue.connection).await.unwrap());
    assert!(matches!(queue.put(Way::Transaction).await, Verdict::Unknown(_)), "each command was done by itself");
    assert_eq!(redis_command(&queue.server, "ACL SETUSER default -xadd -eval"), "+OK");
    let before = queue.held().await;
    assert!(matches!(queue.put(Way::Transaction).await, Verdict::Nothing));
    assert_eq!(queue.held().await, before);
}
