//! A process that is asked for something before it is ready.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
    path::Path,
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::kit::{Process, Site, eventually, free_port};

/// Stands between a client and its broker, and lets the broker's first words through and no others: to the client it
/// is there, and never answers.
fn mute(socket: &Path, broker: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let broker = broker.to_owned();
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = UnixStream::connect(&broker).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            let (mut from, mut to) = (server, client);
            thread::spawn(move || {
                let mut words = [0; 4096];
                let read = from.read(&mut words).unwrap();
                to.write_all(&words[..read]).unwrap();
                std::io::copy(&mut from, &mut std::io::sink())
            });
        }
    });
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
