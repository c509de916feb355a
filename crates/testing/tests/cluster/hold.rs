//! A gateway that is restarted under load, and nobody notices.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, ErrorKind},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use greeter::contract::{HelloReply, HelloRequest};
use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tonic::{client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;

use crate::kit::{Process, Site, eventually, free_port, http, program};

/// How often the gateway is replaced.
const RESTARTS: usize = 20;

/// What the clients have seen.
#[derive(Debug, Default)]
struct Seen {
    stop: AtomicBool,
    answered: AtomicU64,
    /// How often a client was told that its connection ends with this answer.
    last: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
}

impl Seen {
    fn count<T>(&self, answer: Result<T, String>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.answered.fetch_add(1, Relaxed);
                Some(answer)
            }
            Err(why) => {
                *self.failed.lock().unwrap().entry(why).or_default() += 1;
                None
            }
        }
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Relaxed)
    }
}

/// One request on a connection; whether the connection can be used once more.
async fn ask(stream: &mut TcpStream) -> io::Result<bool> {
    stream.write_all(b"GET /v1/hello/Ada HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = Vec::new();
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize = head.split_once("content-length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            assert!(head.starts_with("http/1.1 200 "), "{text}");
            return Ok(!head.contains("connection: close"));
        }
    }
}

/// A client that keeps its connection for as long as the gateway lets it, or takes a new one for each request.
async fn client(port: u16, keeps: bool, seen: Arc<Seen>) {
    let mut connection = None;
    while seen.goes_on() {
        let mut stream = match connection.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => stream,
                Err(error) => {
                    seen.count::<()>(Err(format!("a connection: {error}")));
                    continue;
                }
            },
        };
        let kind = if keeps { "a request on a kept connection" } else { "a request on a new connection" };
        match seen.count(ask(&mut stream).await.map_err(|error| format!("{kind}: {error}"))) {
            Some(true) if keeps => connection = Some(stream),
            Some(false) => drop(seen.last.fetch_add(1, Relaxed)),
            _ => {}
        }
    }
}

/// A client of gRPC, on one connection of HTTP/2 that it makes anew when it is told to.
async fn grpc_client(port: u16, seen: Arc<Seen>) {
    let channel = Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect_lazy();
    let mut client = Grpc::new(channel);
    while seen.goes_on() {
        if let Err(error) = client.ready().await {
            seen.count::<()>(Err(format!("a connection of gRPC: {error:?}")));
            continue;
        }
        let codec = ProstCodec::<HelloRequest, HelloReply>::default();
        let request = tonic::Request::new(HelloRequest { name: "Ada".to_owned() });
        let path = "/greeter.v1.Greeter/Hello".parse().unwrap();
        seen.count(client.unary(request, path, codec).await.map_err(|status| format!("gRPC: {status:?}")));
    }
}

/// Starts `sky hold` with a gateway behind it.
fn held(site: &Site, port: u16) -> Process {
    let mut command = Command::new(program("sky"));
    command.args(["--broker", &site.url, "hold", "--listen", &format!("127.0.0.1:{port}"), "--"]);
    command.arg(program("gateway")).stdin(Stdio::null());
    std::fs::create_dir_all(site.path().join("tmp")).unwrap();
    command.env("TMPDIR", site.path().join("tmp")).env_remove("XDG_RUNTIME_DIR");
    Process::run(command, "hold", site.path())
}

/// What is in the holder's directory for temporary files.
fn temporary(site: &Site) -> Vec<OsString> {
    std::fs::read_dir(site.path().join("tmp")).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// A gateway that listens behind `sky hold`, and what it calls.
struct Stage {
    hold: Process,
    port: u16,
    _greeter: Process,
    broker: Process,
    site: Site,
}

async fn stage() -> Stage {
    let site = Site::new();
    let broker = site.broker(&[]);
    let greeter = site.service("greeter", &[]);
    site.connect_when(1).await;
    let port = free_port();
    let hold = held(&site, port);
    hold.says("the gateway listens", 1).await;
    Stage { hold, port, _greeter: greeter, broker, site }
}

#[tokio::test]
async fn a_gateway_is_restarted_20_times_under_load_and_no_request_fails() {
    let mut stage = stage().await;
    let port = stage.port;
    let seen = Arc::new(Seen::default());
    let mut clients = JoinSet::new();
    for number in 0..12 {
        clients.spawn(client(port, number % 2 == 0, Arc::clone(&seen)));
    }
    clients.spawn(grpc_client(port, Arc::clone(&seen)));
    for restart in 1..=RESTARTS {
        let before = seen.answered.load(Relaxed);
        stage.hold.signal(if restart % 2 == 0 { Signal::USR2 } else { Signal::ALARM });
        stage.hold.says("the new program is ready, and the old one drains", restart).await;
        eventually("the new one answers", || async { seen.answered.load(Relaxed) > before + 50 }).await;
    }
    seen.stop.store(true, Relaxed);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert_eq!(*seen.failed.lock().unwrap(), BTreeMap::new(), "after {} answers", seen.answered.load(Relaxed));
    assert!(seen.last.load(Relaxed) > 0, "kept connections are told to end");
    stage.hold.terminated().await;
    // Each gateway has drained, and ended by itself.
    assert_eq!(stage.hold.said().matches("the gateway has drained").count(), RESTARTS + 1, "{}", stage.hold.said());
}

#[tokio::test]
async fn a_replacement_that_does_not_start_leaves_the_old_one() {
    let mut stage = stage().await;
    // A gateway cannot start without the broker; the one that runs waits for it.
    stage.broker.terminated().await;
    stage.hold.signal(Signal::USR2);
    stage.hold.says("the old program stays, for the new one has ended (exit status: 111)", 1).await;
    stage.broker = stage.site.broker(&[]);
    eventually("the old gateway answers", || async { http(stage.port, "GET /v1/hello/Ada", None).status == 200 }).await;
    stage.hold.terminated().await;
}

#[tokio::test]
async fn a_program_that_cannot_start_at_all_ends_the_holder_with_its_code() {
    let site = Site::new();
    let mut hold = held(&site, free_port());
    assert_eq!(hold.ended().await.code(), Some(111), "{}", hold.said());
    assert!(hold.said().contains("ended with exit code 111; its last lines say why"), "{}", hold.said());
}

#[tokio::test]
async fn a_gateway_that_is_killed_is_started_anew_and_nobody_is_refused() {
    let mut stage = stage().await;
    let port = stage.port;
    let killed = Command::new("sh")
        .args(["-c", &format!("kill -9 $(cat /proc/{0}/task/{0}/children)", stage.hold.id())])
        .status();
    assert!(killed.unwrap().success());
    stage.hold.says("the program has ended (signal: 9 (SIGKILL)); it is started anew in 1s", 1).await;
    assert_eq!(http(port, "GET /v1/hello/Ada", None).status, 200, "it waits in the socket");
    stage.hold.terminated().await;
}

#[tokio::test]
async fn a_holder_that_is_killed_leaves_nobody_behind() {
    let mut stage = stage().await;
    stage.hold.kill();
    stage.hold.says("the gateway has drained", 1).await;
    eventually("the address is free", || async { std::net::TcpListener::bind(("127.0.0.1", stage.port)).is_ok() })
        .await;
    // What it could not remove, the next one does.
    let left = temporary(&stage.site);
    let mut next = held(&stage.site, stage.port);
    next.says("the gateway listens", 1).await;
    let now = temporary(&stage.site);
    assert!(left.len() == 1 && now.len() == 1 && left != now, "{left:?} {now:?}");
    next.terminated().await;
    assert_eq!(temporary(&stage.site), Vec::<OsString>::new());
}
