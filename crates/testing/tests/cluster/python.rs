//! `examples/python`: a caller and a worker in another language, over beanstalkd's protocol and over Redis.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use greeter::contract::{GreeterClient, HelloRequest};
use skyloom_testing::servers::durable_redis;

use crate::kit::{Process, Site, eventually, free_port, root};

/// A Python that has what the examples need.
fn python() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
        let python = directory.join("bin/python");
        let done = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
        if !python.exists() {
            done(Command::new("python3").args(["-m", "venv"]).arg(&directory));
        }
        let needed = root().join("examples/python/requirements.txt");
        done(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(needed));
        python
    })
}

fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(python());
    command.arg("-B").arg(root().join("examples/python").join(name)).args(arguments);
    command
}

/// What a caller prints.
fn called(name: &str, arguments: &[&str]) -> String {
    let output = script(name, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A worker that is killed when the test is done with it.
struct Worker(Child);

impl Worker {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = script(name, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.starts_with("serving "), "{said}");
        Self(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        drop((self.0.kill(), self.0.wait()));
    }
}

/// A caller in Rust, who speaks protobuf, is served by the worker in Python; so are many at once, whose calls may
/// share messages of the broker.
async fn greeted(url: &str) {
    let connection = skyloom::connect(url).await.unwrap();
    let client = GreeterClient::new(connection.client());
    for at_once in [1, 40, 40, 40] {
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..at_once {
            let client = client.clone();
            calls.spawn(async move {
                let reply = client.hello(HelloRequest { name: n.to_string() }).await.expect("a reply");
                assert_eq!(reply.text, format!("Hello, {n}!"));
            });
        }
        calls.join_all().await;
    }
    connection.close().await;
}

async fn registered(url: &str) {
    let connection = skyloom::connect(url).await.unwrap();
    eventually("the greeter is registered", || async {
        connection.registry.list(&Default::default()).await.is_ok_and(|list| list.len() == 1)
    })
    .await;
    connection.close().await;
}

#[tokio::test]
async fn over_beanstalkds_protocol() {
    let site = Site::new();
    let address = format!("127.0.0.1:{}", free_port());
    let _broker = site.broker(&["--beanstalk", &address]);
    let mut greeter = site.service("greeter", &[]);
    registered(&site.url).await;
    assert_eq!(called("beanstalk_client.py", &[&address]), "{\"text\": \"Hello, Ada!\"}\n");
    greeter.terminated().await;
    let _worker = Worker::start("beanstalk_worker.py", &[&address]);
    assert_eq!(called("beanstalk_client.py", &[&address, "", "Grace"]), "{\"text\": \"Hello, Grace!\"}\n");
    greeted(&site.url).await;
}

#[tokio::test]
async fn over_redis() {
    let redis = durable_redis();
    let url = format!("redis://127.0.0.1:{}", redis.port());
    let mut greeter = Process::start("greeter", &[], &[("SKYLOOM_BROKER", &url)], redis.directory());
    registered(&url).await;
    assert_eq!(called("redis_client.py", &[&url]), "{\"text\": \"Hello, Ada!\"}\n");
    greeter.terminated().await;
    let _worker = Worker::start("redis_worker.py", &[&url]);
    assert_eq!(called("redis_client.py", &[&url, "Grace"]), "{\"text\": \"Hello, Grace!\"}\n");
    greeted(&url).await;
}
