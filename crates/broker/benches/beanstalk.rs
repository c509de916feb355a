//! `cargo bench -p skyloom-broker --bench beanstalk`: the beanstalkd door against beanstalkd, under the
//! same pipelining load. Each is a process of its own; each ratio is from one run. It fails if the
//! target is missed.

// A figure's place is standard output.
#![allow(clippy::print_stdout)]

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use skyloom_broker::{
    beanstalk::{BeanstalkDoor, BeanstalkOptions},
    door::{Address, Door, DoorOptions, SnapshotPlace},
};
use skyloom_testing::servers::{Launch, Server};
use tokio::time::Instant;

/// Connections, each on a thread of its own.
const CONNECTIONS: usize = 4;
/// Jobs of one connection in one round.
const JOBS: usize = 20_000;
const BODY: usize = 128;
const ROUNDS: usize = 5;
/// The door is at least as fast.
const TARGET: f64 = 1.0;

/// Our door in a process of its own, which says its port and serves until it is killed.
fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = DoorOptions { snapshot: SnapshotPlace::Nowhere, ..DoorOptions::default() };
        let loopback: Address = "tcp://127.0.0.1:0".parse().expect("an address");
        let door = Door::bind(loopback.clone(), options).await.expect("the door opens");
        let beside = BeanstalkDoor::bind(loopback, BeanstalkOptions::default(), &door).await.expect("the door opens");
        println!("{}", beside.address());
        let never = std::future::pending;
        beside.run_beside(door, never(), never()).await.expect("it never stops");
    });
}

struct Ours {
    child: Child,
    port: u16,
}

impl Ours {
    fn start() -> Self {
        let program = env::current_exe().expect("the bench's program");
        let mut child = Command::new(program).arg("serve").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
        said.read_line(&mut line).expect("it says its port");
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Self { child, port }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A connection that reads replies as fast as they come.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    read: usize,
}

impl Client {
    fn connect(port: u16, tube: usize) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_nodelay(true).expect("an option");
        let mut client = Self { stream, buffer: Vec::new(), read: 0 };
        let commands = format!("use t{tube}\r\nwatch t{tube}\r\nignore default\r\n");
        client.stream.write_all(commands.as_bytes()).expect("it reads");
        (0..3).for_each(|_| drop(client.reply()));
        client
    }

    /// The next reply's line; the body of a job is passed over.
    fn reply(&mut self) -> Vec<u8> {
        loop {
            let unread = &self.buffer[self.read..];
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line = unread[..end - 1].to_vec();
                let body = if line.starts_with(b"RESERVED") { BODY + 2 } else { 0 };
                if unread.len() > end + body {
                    self.read += end + 1 + body;
                    return line;
                }
            }
            self.buffer.drain(..self.read);
            self.read = 0;
            let mut chunk = [0; 64 << 10];
            let read = self.stream.read(&mut chunk).expect("it answers");
            assert!(read > 0, "the server has closed the connection");
            self.buffer.extend_from_slice(&chunk[..read]);
        }
    }

    /// Puts, reserves and deletes so many jobs, so many at a time.
    fn work(&mut self, jobs: usize, depth: usize) {
        let put = [format!("put 0 0 60 {BODY}\r\n").as_bytes(), &[b'x'; BODY], b"\r\n"].concat().repeat(depth);
        let reserve = b"reserve\r\n".repeat(depth);
        for _ in 0..jobs / depth {
            self.stream.write_all(&put).expect("it reads");
            (0..depth).for_each(|_| assert!(self.reply().starts_with(b"INSERTED")));
            self.stream.write_all(&reserve).expect("it reads");
            let mut deletes = Vec::new();
            for _ in 0..depth {
                let line = self.reply();
                let id = line.split(|byte| *byte == b' ').nth(1).expect("a number");
                deletes.extend([b"delete ", id, b"\r\n"].concat());
            }
            self.stream.write_all(&deletes).expect("it reads");
            (0..depth).for_each(|_| assert_eq!(self.reply(), b"DELETED"));
        }
    }
}

/// Jobs per second.
fn round(port: u16, depth: usize) -> f64 {
    let clients: Vec<Client> = (0..CONNECTIONS).map(|tube| Client::connect(port, tube)).collect();
    let jobs = if depth == 1 { JOBS / 10 } else { JOBS / depth * depth };
    let began = Instant::now();
    thread::scope(|scope| {
        for mut client in clients {
            scope.spawn(move || client.work(jobs, depth));
        }
    });
    (jobs * CONNECTIONS) as f64 / began.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some("serve") {
        serve();
        return ExitCode::SUCCESS;
    }
    let (ours, real) = (Ours::start(), Server::start(Launch::beanstalkd()));
    let mut met = true;
    for depth in [1, 64, 256] {
        let rounds: (Vec<f64>, Vec<f64>) =
            (0..ROUNDS).map(|_| (round(ours.port, depth), round(real.port(), depth))).unzip();
        let (ours, real) = (median(rounds.0), median(rounds.1));
        let (ratio, good) = (ours / real, depth == 1 || ours / real >= TARGET);
        met &= good;
        let verdict = if depth == 1 {
            "no target"
        } else if good {
            "met"
        } else {
            "missed"
        };
        println!(
            "| beanstalkd door : beanstalkd, put + reserve + delete, {depth} at a time | {ours:.0}/s | {real:.0}/s | \
             {ratio:.2} | >= {TARGET} | {verdict} |"
        );
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
