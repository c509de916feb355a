//! A process that is asked for something before it is ready.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::Instant;

use crate::kit::{Process, Site, eventually, free_port, try_http};

/// Stands between a client and its broker, and lets the broker's first words through and no others: to the client it
/// is there, and never answers. Counts how often the client has been heard.
fn mute(socket: &Path, broker: &Path) -> Arc<AtomicUsize> {
    let heard = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&heard);
    let listener = UnixListener::bind(socket).unwrap();
    let broker = broker.to_owned();
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = UnixStream::connect(&broker).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let heard = Arc::clone(&counted);
            thread::spawn(move || {
                let mut words = [0; 4096];
                while let Ok(read @ 1..) = from.read(&mut words) {
                    heard.fetch_add(1, Relaxed);
                    to.write_all(&words[..read]).unwrap();
                }
            });
            let (mut from, mut to) = (server, client);
            thread::spawn(move || {
                let mut words = [0; 4096];
                let read = from.read(&mut words).unwrap();
                to.write_all(&words[..read]).unwrap();
                std::io::copy(&mut from, &mut std::io::sink())
            });
        }
    });
    heard
}

/// A gateway that waits for its registry.
async fn waiting(site: &Site) -> (Process, UnixDatagram) {
    let (socket, notify) = (site.path().join("mute.sock"), site.path().join("notify"));
    mute(&socket, &site.path().join("broker.sock"));
    let supervisor = UnixDatagram::bind(&notify).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let registry = format!("unix:{}", socket.display());
    let port = free_port();
    let environment = [
        ("SKYLOOM_BROKER", site.url.as_str()),
        ("SKYLOOM_REGISTRY", &registry),
        ("NOTIFY_SOCKET", notify.to_str().unwrap()),
    ];
    let gateway = Process::start("gateway", &["--listen", &format!("127.0.0.1:{port}")], &environment, site.path());
    eventually("the gateway listens", || async { TcpStream::connect(("127.0.0.1", port)).is_ok() }).await;
    (gateway, supervisor)
}

#[tokio::test]
async fn a_gateway_that_is_asked_to_end_while_it_starts_does_so() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let (mut gateway, _supervisor) = waiting(&site).await;
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().await.success(), "{}", gateway.said());
}

/// Its channels are what the broker does not answer for.
#[tokio::test]
async fn a_service_that_is_asked_to_end_while_it_opens_its_channels_does_so() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let socket = site.path().join("mute.sock");
    let asked = mute(&socket, &site.path().join("broker.sock"));
    let url = format!("unix:{}", socket.display());
    let mut greeter = site.service("greeter", &[("SKYLOOM_BROKER", &url), ("SKYLOOM_DRAIN", "1s")]);
    // Its first words are the handshake's, the next ones ask for a channel.
    eventually("it opens a channel", || async { asked.load(Relaxed) > 1 }).await;
    greeter.signal(Signal::TERM);
    let status = greeter.ended().await;
    assert!(status.success(), "{status}: {}", greeter.said());
    let said = greeter.said();
    assert!(said.contains("\"drained\"") && !said.contains("a handler"), "{said}");
}

/// It is not a handler that holds it up, for there is none.
#[tokio::test]
async fn a_start_that_heeds_no_signal_is_ended_and_called_by_its_name() {
    let site = Site::new();
    let environment = [("OWN_LOOP", "wait"), ("SKYLOOM_DRAIN", "1s")];
    let mut program = Process::start("own_loop", &[], &environment, site.path());
    eventually("it listens to signals", || async { catches(program.id(), Signal::TERM) }).await;
    program.signal(Signal::TERM);
    assert_eq!(program.ended().await.code(), Some(1), "{}", program.said());
    let said = program.said();
    assert!(said.contains("its start has not come to an end") && !said.contains("a handler"), "{said}");
}

/// Whether a process has a handler for a signal, by proc(5).
fn catches(process: u32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0
}

#[tokio::test]
async fn a_new_configuration_makes_no_process_ready() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let (gateway, supervisor) = waiting(&site).await;
    gateway.signal(Signal::HUP);
    gateway.says("SIGHUP: ", 1).await;
    let mut message = [0; 256];
    let read = supervisor.recv(&mut message).unwrap();
    let first = String::from_utf8_lossy(&message[..read]);
    assert!(first.starts_with("READY=1\nSTATUS=listening on "), "{first}");
}

/// A gateway that starts just after a crash of the broker cannot know who was there, and does not say that nobody is.
#[tokio::test]
async fn a_gateway_that_starts_after_a_crash_of_the_broker_calls_nobody_unknown_who_comes_back() {
    let site = Site::new();
    let mut broker = site.broker(&[]);
    let greeter = site.service("greeter", &[]);
    drop(site.connect_when(1).await);
    // It comes back late.
    greeter.signal(Signal::STOP);
    broker.kill();
    let _broker = site.broker(&[]);
    let begun = Instant::now();
    let port = free_port();
    let _gateway = site.service("gateway", &[("SKYLOOM_LISTEN", &format!("127.0.0.1:{port}"))]);
    let first = loop {
        match try_http(port, "GET /v1/hello/Ada", None) {
            Some(response) => break response,
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    // On a machine that takes longer to start a gateway, nobody is waited for any more.
    if begun.elapsed() < Duration::from_secs(2) {
        assert_eq!(first.status, 503, "{}", first.text());
        assert!(first.header("retry-after").is_some() && first.text().contains("try again"), "{}", first.text());
    }
    greeter.signal(Signal::CONT);
    let mut told = Vec::new();
    eventually("it is served", || {
        told.extend(try_http(port, "GET /v1/hello/Ada", None).map(|response| response.status));
        std::future::ready(told.last() == Some(&200))
    })
    .await;
    assert!(told.iter().all(|status| [200, 503].contains(status)), "{told:?}");
    let unknown = || async { try_http(port, "GET /v1/nothing", None).is_some_and(|answer| answer.status == 404) };
    eventually("what never existed is said to be nothing", unknown).await;
}

#[tokio::test]
async fn nothing_is_said_of_connections_that_a_process_closes_itself() {
    let site = Site::new();
    let place = site.path().display().to_string();
    std::fs::create_dir_all(site.path().join("skyloom")).unwrap();
    let local = format!("unix:{place}/skyloom/broker.sock");
    let _broker = Process::start("sky", &["broker", "--listen", &local], &[], site.path());
    let socket = site.path().join("skyloom/broker.sock");
    eventually("the broker listens", || async { UnixStream::connect(&socket).is_ok() }).await;
    // Nothing says which broker it is to use, so that it looks for one first.
    let mut greeter = Process::start("greeter", &[], &[("XDG_RUNTIME_DIR", &place)], site.path());
    greeter.says("serving greeter.v1.Greeter", 1).await;
    greeter.terminated().await;
    let said = greeter.said();
    assert!(!said.contains("hosts one"), "it has found the broker that is there: {said}");
    assert!(!said.contains("has ended"), "{said}");
}
