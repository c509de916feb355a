//! Redis: a list of requests, and a list for the reply to each; whoever waits, waits with BLPOP.

use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use skyloom_testing::figures::ready;
use tokio::task::JoinSet;

use super::super::{caller::Caller, common::service::PAYLOAD};

const REQUESTS: &str = "by-hand";

/// How many requests the worker waits for at once.
const WORKERS: usize = 16;

/// After so many seconds nobody is interested in a reply any more.
const EXPIRY: usize = 60;

/// BLPOP answers with the list and what was in it.
type Popped = (String, Vec<u8>);

async fn connection(client: &Client) -> MultiplexedConnection {
    // Whoever blocks waits as long as it takes.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await.expect("the server is there")
}

/// A caller: each has a connection of its own, since waiting blocks it.
pub(crate) struct ByHand {
    connection: MultiplexedConnection,
    name: String,
    calls: u64,
}

impl Caller for ByHand {
    async fn connect(address: &str, count: usize) -> Vec<Self> {
        let client = Client::open(address).expect("a URL");
        let mut callers = Vec::new();
        for _ in 0..count {
            let name = format!("reply:{:016x}", fastrand::u64(..));
            callers.push(Self { connection: connection(&client).await, name, calls: 0 });
        }
        callers
    }

    async fn call(&mut self) {
        self.calls += 1;
        let reply = format!("{}:{}", self.name, self.calls);
        let mut request = format!("{reply}\n").into_bytes();
        request.extend_from_slice(&[b'x'; PAYLOAD]);
        let mut both = redis::pipe();
        both.cmd("RPUSH").arg(REQUESTS).arg(request).ignore();
        both.cmd("BLPOP").arg(reply).arg(0);
        let ((_, payload),): (Popped,) = both.query_async(&mut self.connection).await.expect("a reply");
        assert_eq!(payload.len(), PAYLOAD);
    }
}

/// The worker: sends a reply and waits for the next request in one go.
pub(crate) async fn work(address: &str) {
    let client = Client::open(address).expect("a URL");
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let mut connection = connection(&client).await;
        workers.spawn(async move {
            let mut wait = redis::pipe();
            wait.cmd("BLPOP").arg(REQUESTS).arg(0);
            let mut next = wait.clone();
            loop {
                let ((_, request),): (Popped,) = next.query_async(&mut connection).await.expect("a request");
                let end = request.iter().position(|byte| *byte == b'\n').expect("a request names its reply list");
                let (reply, payload) = (&request[..end], &request[end + 1..]);
                next = redis::pipe();
                next.cmd("RPUSH").arg(reply).arg(payload).ignore();
                next.cmd("EXPIRE").arg(reply).arg(EXPIRY).ignore();
                next.cmd("BLPOP").arg(REQUESTS).arg(0);
            }
        });
    }
    ready("worker");
    workers.join_all().await;
}
