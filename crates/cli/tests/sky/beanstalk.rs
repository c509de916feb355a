//! `sky broker --beanstalk` as a process: what signals do to it, seen by a client of beanstalkd.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    process::{Child, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    ground::{PATIENCE, command},
    site::free_port,
};

/// A broker that clients of beanstalkd reach, and that can be ended and started anew.
struct Broker {
    directory: TempDir,
    port: u16,
    process: Child,
}

impl Broker {
    fn start() -> Self {
        let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
        let process = spawn(&directory, port);
        Self { directory, port, process }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.process.id().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Its exit code, once it has ended.
    fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn restart(&mut self) {
        self.process = spawn(&self.directory, self.port);
    }

    fn connect(&self) -> Client {
        let began = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => return Client::new(stream),
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // One that has ended is not killed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn(directory: &TempDir, port: u16) -> Child {
    let mut sky = command();
    let socket = format!("unix:{}", directory.path().join("b.sock").display());
    sky.args(["broker", "--listen", &socket, "--beanstalk", &format!("127.0.0.1:{port}")]);
    sky.current_dir(directory.path()).stderr(Stdio::null()).spawn().unwrap()
}

/// A client that says and hears exactly what is written.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, text: &str) -> String {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self.line()
    }

    /// The next line, without its end; empty once the connection is closed.
    fn line(&mut self) -> String {
        let mut line = String::new();
        // A broker that closes without having read everything resets the connection.
        drop(self.0.read_line(&mut line));
        line.trim_end().to_owned()
    }

    /// The number of bytes that the line announces.
    fn body(&mut self, line: &str) -> String {
        let length: usize = line.rsplit(' ').next().unwrap().parse().unwrap();
        let mut body = vec![0; length + 2];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap().trim_end().to_owned()
    }

    /// The body of a job that is then reserved, and its number.
    fn reserve(&mut self) -> Option<(String, String)> {
        let line = self.say("reserve-with-timeout 0\r\n");
        let number = line.strip_prefix("RESERVED ")?.split(' ').next()?.to_owned();
        Some((number, self.body(&line)))
    }

    fn stats(&mut self) -> String {
        let line = self.say("stats\r\n");
        self.body(&line)
    }
}

#[test]
fn after_sigusr1_no_job_is_taken_in_and_the_rest_goes_on() {
    let broker = Broker::start();
    let mut client = broker.connect();
    assert_eq!(client.say("put 0 0 30 3\r\nold\r\n"), "INSERTED 1");
    assert!(client.stats().contains("draining: false"));
    broker.signal(Signal::USR1);
    let began = Instant::now();
    while client.stats().contains("draining: false") {
        assert!(began.elapsed() < PATIENCE, "it does not drain");
    }
    assert!(client.stats().contains("draining: true"));
    assert_eq!(client.say("put 0 0 30 3\r\nnew\r\n"), "DRAINING");
    let mut late = broker.connect();
    assert_eq!(late.say("put 0 0 30 3\r\nnew\r\n"), "DRAINING", "a new connection hears the same");
    let (number, body) = late.reserve().unwrap();
    assert_eq!(body, "old", "what was there can be worked on");
    assert_eq!(late.say(&format!("delete {number}\r\n")), "DELETED");
    assert!(late.reserve().is_none());
}

/// A program that puts jobs without a pause, and one that has reserved one, while the broker is asked to end: every
/// job whose put was answered is there at the next start, and the reserved one is ready again.
#[test]
fn sigterm_loses_nothing_that_was_accepted() {
    const MOST: u32 = 50_000;
    let mut broker = Broker::start();
    let mut worker = broker.connect();
    assert_eq!(worker.say("put 0 0 300 8\r\nreserved\r\n"), "INSERTED 1");
    assert_eq!(worker.reserve().unwrap().1, "reserved");

    let mut sender = broker.connect();
    let mut writing = sender.0.get_ref().try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        // It ends when nobody reads any more.
        (0..MOST).all(|number| write!(writing, "put 1024 0 30 8\r\n{number:08}\r\n").is_ok());
        drop(writing.shutdown(Shutdown::Write));
    });
    let mut accepted = 0;
    loop {
        let line = sender.line();
        if line.is_empty() {
            break;
        }
        assert!(line.starts_with("INSERTED "), "{line}");
        accepted += 1;
        if accepted == 1_000 {
            broker.signal(Signal::TERM);
        }
    }
    assert_eq!(broker.ended(), Some(0));
    writer.join().unwrap();
    assert_eq!(worker.line(), "", "the connection is closed");
    assert!((1_000..MOST).contains(&accepted), "it was asked to end under load: {accepted}");

    broker.restart();
    let mut client = broker.connect();
    let mut kept = BTreeSet::new();
    let (number, body) = client.reserve().unwrap();
    assert_eq!(body, "reserved", "what was reserved is ready again");
    assert_eq!(client.say(&format!("delete {number}\r\n")), "DELETED");
    while let Some((number, body)) = client.reserve() {
        assert_eq!(client.say(&format!("delete {number}\r\n")), "DELETED");
        assert!(kept.insert(body), "each job is there once");
    }
    let lost: Vec<u32> = (0..accepted).filter(|number| !kept.contains(&format!("{number:08}"))).collect();
    assert!(lost.is_empty(), "{} of {accepted} accepted jobs are lost: {lost:?}", lost.len());
}
