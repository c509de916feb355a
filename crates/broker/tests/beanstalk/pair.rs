//! beanstalkd and our door, told the same.

use std::{collections::BTreeMap, thread, time::Duration};

use skyloom_testing::servers::{Launch, Server};
use tokio::time::Instant;

use crate::{
    client::{Client, PATIENCE},
    dialect::Dialect,
    ours::Ours,
};

/// Values that are times, or say which program answers or how it was asked by the test itself.
const OWN: [&str; 13] = [
    "age",
    "time-left",
    "pause-time-left",
    "pid",
    "version",
    "rusage-utime",
    "rusage-stime",
    "uptime",
    "binlog-max-size",
    "cmd-stats",
    "total-connections",
    "hostname",
    "os",
];

/// Between two harmless words.
const PAUSE: Duration = Duration::from_millis(50);

/// One of the two servers with its connections.
pub(crate) struct Side {
    port: u16,
    pub(crate) clients: Vec<Client>,
    control: Client,
    dialect: Dialect,
}

impl Side {
    fn new(port: u16, clients: usize) -> Self {
        let mut control = Client::connect(port);
        let dialect = Dialect::of(&control.ask("stats"));
        let mut side = Self { port, clients: Vec::new(), control, dialect };
        for client in 0..clients {
            side.clients.push(Client::connect(port));
            // It is not only connected, but known.
            side.clients[client].ask("list-tube-used");
        }
        side
    }

    /// One of the server's own figures.
    fn figure(&mut self, name: &str) -> usize {
        let stats = self.control.ask("stats");
        let line = stats.split("\\n").find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{stats}")).parse().unwrap()
    }

    /// The replies that have come on these connections, once it is certain that no more will come:
    /// all others wait for a job.
    fn settle(&mut self, pending: &[usize]) -> BTreeMap<usize, String> {
        let (mut replies, began) = (BTreeMap::new(), Instant::now());
        loop {
            // First the figure: what was written before it is there when it has come.
            let waiting = self.figure("current-waiting");
            for client in pending {
                if !replies.contains_key(client)
                    && let Some(reply) = self.clients[*client].try_reply()
                {
                    replies.insert(*client, normal(&self.dialect.as_in_1_12(reply)));
                }
            }
            if replies.len() + waiting == pending.len() {
                return replies;
            }
            assert!(began.elapsed() < PATIENCE, "{waiting} of {pending:?} wait, replied have {replies:?}");
        }
    }

    fn reconnect(&mut self, client: usize) {
        let all = self.clients.len() + 1;
        let fresh = Client::connect(self.port);
        drop(std::mem::replace(&mut self.clients[client], fresh));
        self.clients[client].ask("list-tube-used");
        let began = Instant::now();
        while self.figure("current-connections") != all {
            assert!(began.elapsed() < PATIENCE, "the connection is not gone");
        }
    }
}

pub(crate) struct Pair {
    pub(crate) sides: [Side; 2],
    pub(crate) pending: Vec<usize>,
    /// What was said, for a failure.
    log: Vec<String>,
    _ours: Ours,
    real: Server,
}

impl Pair {
    pub(crate) fn start(clients: usize) -> Self {
        Self::with(Server::start(Launch::beanstalkd()), clients)
    }

    /// As [`Pair::start`], with a beanstalkd that has heard nothing yet.
    pub(crate) fn with(real: Server, clients: usize) -> Self {
        let ours = Ours::start();
        let sides = [Side::new(real.port(), clients), Side::new(ours.port, clients)];
        Self { sides, pending: Vec::new(), log: Vec::new(), _ours: ours, real }
    }

    /// The beanstalkd, as new.
    pub(crate) fn renewed(mut self) -> Server {
        self.real.kill();
        self.real.restart();
        self.real
    }

    /// Sends the same to both and compares so many replies.
    pub(crate) fn say(&mut self, client: usize, bytes: &[u8], replies: usize) {
        self.log.push(format!("{client}: {}", bytes.escape_ascii()));
        for side in &mut self.sides {
            side.clients[client].send(bytes);
        }
        for _ in 0..replies {
            self.compare(client);
        }
    }

    /// Sends a line to both and compares the reply, which is returned.
    pub(crate) fn ask(&mut self, client: usize, line: &str) -> String {
        self.log.push(format!("{client}: {line}"));
        for side in &mut self.sides {
            side.clients[client].send(format!("{line}\r\n").as_bytes());
        }
        self.compare(client)
    }

    /// Compares the next reply.
    pub(crate) fn compare(&mut self, client: usize) -> String {
        let replies = self.sides.each_mut().map(|side| normal(&side.dialect.as_in_1_12(side.clients[client].reply())));
        self.compared(client, replies)
    }

    /// Compares the next reply, for which `holder` must lose a job. It keeps talking: when beanstalkd looks at a
    /// connection in the very microsecond in which a job's time ends, the job does not end and the connection's timer
    /// is forgotten, until it says something.
    pub(crate) fn compare_lost(&mut self, client: usize, holder: usize) -> String {
        let began = Instant::now();
        let mut replies = [None, None];
        while replies.contains(&None) {
            assert!(began.elapsed() < PATIENCE, "beanstalkd has replied, and ours: {replies:?}");
            thread::sleep(PAUSE);
            for (side, reply) in self.sides.iter_mut().zip(&mut replies) {
                // As often on both sides, which count what they are told.
                side.clients[holder].ask("list-tube-used");
                let said = || side.clients[client].try_reply().map(|reply| side.dialect.as_in_1_12(reply));
                *reply = reply.take().or_else(said);
            }
        }
        self.compared(client, replies.map(|reply| normal(&reply.unwrap_or_default())))
    }

    fn compared(&mut self, client: usize, [real, ours]: [String; 2]) -> String {
        assert_eq!(ours, real, "ours and beanstalkd's reply after\n{}", self.log.join("\n"));
        self.log.push(format!("{client}> {ours}"));
        ours
    }

    /// Sends a `reserve` that may have to wait.
    pub(crate) fn reserve(&mut self, client: usize, line: &str) {
        let line = self.sides[0].dialect.waiting(line);
        self.say(client, format!("{line}\r\n").as_bytes(), 0);
        self.pending.push(client);
        self.settle();
    }

    /// Waits until it is certain who has got what, and compares it.
    pub(crate) fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = self.pending.clone();
        let [real, ours] = self.sides.each_mut().map(|side| side.settle(&pending));
        assert_eq!(ours, real, "what came on waiting connections after\n{}", self.log.join("\n"));
        self.pending.retain(|client| !ours.contains_key(client));
        self.log.push(format!("came: {ours:?}"));
    }

    /// Ends a connection and begins another in its place.
    pub(crate) fn reconnect(&mut self, client: usize) {
        self.log.push(format!("{client} goes and comes"));
        self.pending.retain(|pending| *pending != client);
        for side in &mut self.sides {
            side.reconnect(client);
        }
    }
}

/// A reply without what cannot be the same.
fn normal(reply: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let stats = reply.starts_with("OK ") && reply.contains(": ");
    let whole = stats && reply.contains("draining: ");
    for line in reply.split("\\n") {
        match line.split_once(": ") {
            Some((key, _)) if stats && OWN.contains(&key) => lines.push(format!("{key}: *")),
            Some(("id", _)) if whole => lines.push("id: *".to_owned()),
            _ => lines.push(line.to_owned()),
        }
    }
    if stats && let Some(first) = lines.first_mut() {
        // The length depends on them.
        first.truncate(2);
    }
    lines.join("\n")
}
