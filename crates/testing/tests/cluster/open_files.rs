//! How many files a process may have open, and what it does when it has them.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::{Resource, getrlimit};

use crate::kit::{Process, Site, eventually, free_port, program, try_http};

/// What a process says that has no file left, once.
const SHORTAGE: &str = "has as many files open as it may";

/// A limit that the process itself cannot raise.
const HARD: &str = "ulimit -n 40";

/// A limit that it can raise.
const SOFT: &str = "ulimit -S -n 40";

/// More connections than there may be open files.
const MANY: usize = 60;

/// Starts a program with a limit of open files.
fn limited(limit: &str, name: &str, arguments: &[&str], site: &Site) -> Process {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]).arg(program(name)).args(arguments);
    shell.env("SKYLOOM_BROKER", &site.url);
    Process::run(shell, name, site.path())
}

fn socket(site: &Site) -> PathBuf {
    Path::new(site.url.trim_start_matches("unix:")).to_owned()
}

/// The limits of a process, the one that counts and the one that it may set: proc_pid_limits(5).
fn limits(process: &Process) -> [String; 2] {
    let all = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = all.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut numbers = line.split_whitespace().map(str::to_owned);
    [numbers.next().unwrap(), numbers.next().unwrap()]
}

#[tokio::test]
async fn each_process_raises_a_low_limit_as_far_as_it_may() {
    let site = Site::new();
    let broker = limited(SOFT, "sky", &["broker"], &site);
    site.connect().await;
    let port = free_port().to_string();
    let gateway = limited(SOFT, "sky", &["gateway", "--port", &port], &site);
    let greeter = limited(SOFT, "greeter", &["--log", "debug"], &site);
    site.connect_when(1).await;
    gateway.says("the gateway listens", 1).await;
    let hard = getrlimit(Resource::Nofile).maximum.unwrap().to_string();
    for process in [&broker, &gateway, &greeter] {
        assert_eq!(limits(process), [hard.clone(), hard.clone()]);
    }
    greeter.says(&format!("this process may have {hard} files open, and not 40 as it was started with"), 1).await;
}

#[tokio::test]
async fn a_broker_without_a_file_left_lets_others_wait_and_says_so_once() {
    let site = Site::new();
    let broker = limited(HARD, "sky", &["broker"], &site);
    site.connect().await;
    let held: Vec<_> = (0..MANY).map(|_| UnixStream::connect(socket(&site)).unwrap()).collect();
    broker.says(SHORTAGE, 1).await;
    let waiting = tokio::spawn({
        let url = site.url.clone();
        async move { skyloom::connect(&url).await.map(|_| ()) }
    });
    // It tries ten times a second.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    drop(held);
    waiting.await.unwrap().expect("who has waited is served");
    assert_eq!(broker.said().matches(SHORTAGE).count(), 1, "{}", broker.said());
}

#[tokio::test]
async fn a_gateway_without_a_file_left_lets_others_wait_and_says_so_once() {
    let site = Site::new();
    let _broker = site.broker(&[]);
    site.connect().await;
    let port = free_port();
    let gateway = limited(HARD, "sky", &["gateway", "--port", &port.to_string()], &site);
    let answers = || async { try_http(port, "GET /healthz", None).is_some_and(|answer| answer.status == 200) };
    eventually("the gateway answers", answers).await;
    let held: Vec<_> = (0..MANY).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    gateway.says(SHORTAGE, 1).await;
    // It tries twenty times a second.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let mut waiting = TcpStream::connect(("127.0.0.1", port)).unwrap();
    waiting.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    drop(held);
    let answer = tokio::task::spawn_blocking(move || std::io::read_to_string(waiting).unwrap()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    assert_eq!(gateway.said().matches(SHORTAGE).count(), 1, "{}", gateway.said());
}
