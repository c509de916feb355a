//! beanstalkd: a tube of requests, and a fresh tube for the reply to each, as the article has it.

use skyloom_testing::figures::ready;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
};

use super::super::{caller::Caller, common::service::PAYLOAD};

const REQUESTS: &str = "by-hand";

/// How many requests the worker waits for at once.
const WORKERS: usize = 16;

/// A connection on which commands can be sent ahead; the answers come in the order of the commands.
struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server is there");
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream), line: String::new(), body: Vec::new() }
    }

    async fn send(&mut self, commands: &[u8]) {
        self.stream.get_mut().write_all(commands).await.expect("the server reads");
    }

    /// Reads an answer that begins with this word; returns what follows it.
    async fn expect(&mut self, word: &str) -> &str {
        self.line.clear();
        self.stream.read_line(&mut self.line).await.expect("the server answers");
        let rest = self.line.trim_end().strip_prefix(word);
        rest.unwrap_or_else(|| panic!("{word} was expected and not {:?}", self.line)).trim_start()
    }

    /// Reads a job: its id; the body is kept.
    async fn reserved(&mut self) -> u64 {
        let rest = self.expect("RESERVED").await;
        let (id, length) = rest.split_once(' ').expect("an id and a length");
        let (id, length): (u64, usize) = (id.parse().expect("an id"), length.parse().expect("a length"));
        self.body.resize(length + 2, 0);
        self.stream.read_exact(&mut self.body).await.expect("the body");
        self.body.truncate(length);
        id
    }
}

/// A caller: each has a connection of its own, since waiting blocks it.
pub(crate) struct ByHand {
    connection: Connection,
    name: String,
    calls: u64,
}

impl Caller for ByHand {
    async fn connect(address: &str, count: usize) -> Vec<Self> {
        let mut callers = Vec::new();
        for _ in 0..count {
            let mut connection = Connection::open(address).await;
            connection.send(format!("use {REQUESTS}\r\n").as_bytes()).await;
            connection.expect("USING").await;
            callers.push(Self { connection, name: format!("reply-{:016x}", fastrand::u64(..)), calls: 0 });
        }
        callers
    }

    async fn call(&mut self) {
        self.calls += 1;
        let Self { connection, name, calls } = self;
        let tube = format!("{name}-{calls}");
        let length = tube.len() + 1 + PAYLOAD;
        let mut commands = format!("watch {tube}\r\nput 0 0 60 {length}\r\n{tube}\n").into_bytes();
        commands.extend_from_slice(&[b'x'; PAYLOAD]);
        commands.extend_from_slice(b"\r\nreserve\r\n");
        connection.send(&commands).await;
        connection.expect("WATCHING").await;
        connection.expect("INSERTED").await;
        let id = connection.reserved().await;
        assert_eq!(connection.body.len(), PAYLOAD);
        connection.send(format!("delete {id}\r\nignore {tube}\r\n").as_bytes()).await;
        connection.expect("DELETED").await;
        connection.expect("WATCHING").await;
    }
}

/// The worker: deletes a request, sends the reply and waits for the next request in one go.
pub(crate) async fn work(address: &str) {
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let mut connection = Connection::open(address).await;
        workers.spawn(async move {
            connection.send(format!("watch {REQUESTS}\r\nreserve\r\n").as_bytes()).await;
            connection.expect("WATCHING").await;
            loop {
                let id = connection.reserved().await;
                let end = connection.body.iter().position(|byte| *byte == b'\n').expect("a request names its tube");
                let tube = std::str::from_utf8(&connection.body[..end]).expect("a tube's name");
                let payload = &connection.body[end + 1..];
                let head = format!("delete {id}\r\nuse {tube}\r\nput 0 0 60 {}\r\n", payload.len());
                let commands = [head.as_bytes(), payload, b"\r\nreserve\r\n"].concat();
                connection.send(&commands).await;
                connection.expect("DELETED").await;
                connection.expect("USING").await;
                connection.expect("INSERTED").await;
            }
        });
    }
    ready("worker");
    workers.join_all().await;
}
