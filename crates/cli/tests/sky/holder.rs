//! `sky hold` on a script.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    ground::{Ground, until},
    site::free_port,
};

/// `sky hold` with a program that is a script of the test's.
pub(crate) struct Hold<'a> {
    ground: &'a Ground,
    process: Child,
    port: u16,
}

/// The script.
pub(crate) fn script(ground: &Ground) -> PathBuf {
    ground.directory.path().join("front")
}

/// Writes it: the gateway, after some other lines.
pub(crate) fn write(ground: &Ground, before: &str) {
    write_script(ground, &format!("{before}exec {} gateway --port $PORT\n", env!("CARGO_BIN_EXE_sky")));
}

/// Writes it.
pub(crate) fn write_script(ground: &Ground, lines: &str) {
    // It may be running: what runs goes on with the old file.
    let new = script(ground).with_extension("new");
    fs::write(&new, format!("#!/bin/sh\n{lines}")).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, script(ground)).unwrap();
}

impl<'a> Hold<'a> {
    pub(crate) async fn start(ground: &'a Ground) -> Self {
        write(ground, "");
        let hold = Self::run(ground, |_| {});
        hold.says("the gateway listens", 1).await;
        hold
    }

    /// Starts it with the script that is there.
    pub(crate) fn run(ground: &'a Ground, prepare: impl FnOnce(&mut Command)) -> Self {
        use std::os::unix::process::CommandExt as _;
        let port = free_port();
        let log = fs::File::create(ground.directory.path().join("hold.log")).unwrap();
        let mut sky = ground.command(&["hold", "--listen", &format!("127.0.0.1:{port}"), "--", "./front"]);
        prepare(&mut sky);
        let process = sky.env("PORT", port.to_string()).stderr(Stdio::from(log)).process_group(0).spawn().unwrap();
        Self { ground, process, port }
    }

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.ground.directory.path().join("hold.log")).unwrap()
    }

    pub(crate) async fn says(&self, what: &str, times: usize) {
        until(what, || self.said().matches(what).count() >= times).await;
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The program behind the socket, if there is one.
    pub(crate) fn child(&self) -> Pid {
        let id = self.process.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Pid::from_raw(children.trim().parse().unwrap()).unwrap()
    }

    /// Starts a request that takes so long, and gives its answer.
    pub(crate) async fn request(&self, millis: u64) -> JoinHandle<String> {
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

    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
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
