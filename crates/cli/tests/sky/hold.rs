//! `sky hold`: what reaches the program behind the socket, and when it is started anew.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    ground::{Ground, until},
    site::free_port,
};

/// `sky hold` with a gateway that is started by a script of the test's.
struct Hold<'a> {
    ground: &'a Ground,
    process: Child,
    port: u16,
}

/// The script that starts the gateway.
fn script(ground: &Ground) -> PathBuf {
    ground.directory.path().join("front")
}

/// Writes it: the gateway, after some other lines.
fn write(ground: &Ground, before: &str) {
    let text = format!("#!/bin/sh\n{before}exec {} gateway --port $PORT\n", env!("CARGO_BIN_EXE_sky"));
    // It may be running: what runs goes on with the old file.
    let new = script(ground).with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, script(ground)).unwrap();
}

impl<'a> Hold<'a> {
    async fn start(ground: &'a Ground) -> Self {
        use std::os::unix::process::CommandExt as _;
        write(ground, "");
        let port = free_port();
        let log = fs::File::create(ground.directory.path().join("hold.log")).unwrap();
        let mut sky = ground.command(&["hold", "--listen", &format!("127.0.0.1:{port}"), "--", "./front"]);
        let process = sky.env("PORT", port.to_string()).stderr(Stdio::from(log)).process_group(0).spawn().unwrap();
        let hold = Self { ground, process, port };
        hold.says("the gateway listens", 1).await;
        hold
    }

    fn said(&self) -> String {
        fs::read_to_string(self.ground.directory.path().join("hold.log")).unwrap()
    }

    async fn says(&self, what: &str, times: usize) {
        until(what, || self.said().matches(what).count() >= times).await;
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The program behind the socket.
    fn child(&self) -> Pid {
        let id = self.process.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Pid::from_raw(children.trim().parse().unwrap()).unwrap()
    }

    /// Starts a request that takes so long, and gives its answer.
    async fn request(&self, millis: u64) -> JoinHandle<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = format!("{{\"ms\":{millis}}}");
        let length = body.len();
        let head = "POST /echo.v1.Echo/Doze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
        write!(stream, "{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = String::new();
            // A connection that is cut off is no answer.
            drop(stream.read_to_string(&mut answer));
            answer
        });
        // It is under way.
        sleep(Duration::from_millis(millis / 4)).await;
        answer
    }

    async fn ended(mut self) -> (Option<i32>, String) {
        let mut status = None;
        until("sky hold to end", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        })
        .await;
        (status.and_then(|status| status.code()), self.said())
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test]
async fn what_is_under_way_is_finished_however_many_hear_that_it_is_to_end() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    for all in ["a terminal's Ctrl-C", "systemd's SIGTERM"] {
        let hold = Hold::start(&ground).await;
        let answer = hold.request(1_200).await;
        if all.contains("Ctrl-C") {
            kill_process_group(hold.pid(), Signal::INT).unwrap();
        } else {
            kill_process(hold.child(), Signal::TERM).unwrap();
            hold.signal(Signal::TERM);
            // Whoever has started it passes it on.
            sleep(Duration::from_millis(100)).await;
            hold.signal(Signal::TERM);
        }
        let answer = answer.await.unwrap();
        let (code, said) = hold.ended().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{all}: {answer}\n{said}");
        assert_eq!(code, Some(0), "{all}: {said}");
        assert!(!said.contains("asked to end once more"), "{all}: {said}");
    }
}

#[tokio::test]
async fn a_program_that_is_away_for_a_moment_is_started_once_it_is_back() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let hold = Hold::start(&ground).await;
    let away = script(&ground).with_extension("away");
    fs::rename(script(&ground), &away).unwrap();
    kill_process(hold.child(), Signal::KILL).unwrap();
    let answer = hold.request(100).await;
    hold.says("the program cannot be started", 2).await;
    fs::rename(away, script(&ground)).unwrap();
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 200 OK"), "{}", hold.said());
    // It is heard while it pauses, too.
    kill_process(hold.child(), Signal::KILL).unwrap();
    hold.says("it is started anew in 1s", 2).await;
    hold.signal(Signal::TERM);
    let (code, said) = hold.ended().await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("the gateway listens").count(), 2, "{said}");
}

#[tokio::test]
async fn what_is_wished_while_a_replacement_starts_is_done_after_it() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let hold = Hold::start(&ground).await;
    write(&ground, "echo first >&2\nsleep 1\n");
    hold.signal(Signal::USR2);
    hold.says("first", 1).await;
    write(&ground, "echo second >&2\n");
    hold.signal(Signal::HUP);
    hold.signal(Signal::USR2);
    hold.says("the new program is ready, and the old one drains", 2).await;
    let said = hold.said();
    assert_eq!((said.matches("first").count(), said.matches("second").count()), (1, 1), "{said}");
    // The old one has read it at once, the first new one as soon as it was ready.
    hold.says("the configuration", 2).await;
    hold.signal(Signal::TERM);
    let (code, said) = hold.ended().await;
    assert_eq!(code, Some(0), "{said}");
}
