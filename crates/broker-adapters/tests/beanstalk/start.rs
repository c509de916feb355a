//! What is wrong at the start is said in a sentence.

use std::time::Duration;

use skyloom_broker_adapters::remote::OpenError;
use skyloom_core::broker::{EnqueueOptions, Persistence};
use skyloom_testing::servers::{Launch, Server, free_port};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    fixture::{connect, durable_server, launch, run, try_connect, url},
    load::{cast, queue as channel, soon},
};

/// Somebody who says this, whatever he is told, and what is made of it.
async fn somebody_who_says(answer: &'static [u8]) -> OpenError {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody connects");
        let mut heard = [0; 64];
        assert!(stream.read(&mut heard).await.expect("he speaks") > 0);
        stream.write_all(answer).await.expect("he listens");
        // Until he goes.
        drop(stream.read(&mut heard).await);
    });
    let url = format!("beanstalk://127.0.0.1:{port}");
    try_connect(&url, Duration::ZERO).await.expect_err("it is no beanstalkd")
}

#[test]
fn another_protocol_on_the_port_is_named() {
    run(async {
        let cases: [(&[u8], &str); 5] = [
            (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "an HTTP server"),
            (b"INFO {\"server_id\":\"N\"} \r\n-ERR 'Unknown Protocol Operation'\r\n", "a NATS server"),
            (b"AMQP\x00\x00\x09\x01", "an AMQP broker such as RabbitMQ"),
            (b"\x15\x03\x01\x00\x02\x02\x0a", "expects TLS"),
            (b"220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        ];
        for (answer, named) in cases {
            let error = somebody_who_says(answer).await;
            assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
            assert!(error.to_string().contains(named), "{error}");
        }
    });
}

#[test]
fn a_redis_server_is_named() {
    run(async {
        let launch = Launch::new("redis-server");
        let port = launch.port().to_string();
        let server = Server::start(launch.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]));
        let error = try_connect(&url(&server, ""), Duration::ZERO).await.expect_err("it is no beanstalkd");
        assert!(error.to_string().contains("it is a Redis server; check the port"), "{error}");
    });
}

#[test]
fn nobody_there_is_said_after_waiting() {
    run(async {
        let url = format!("beanstalk://127.0.0.1:{}", free_port());
        let error = try_connect(&url, Duration::from_millis(100)).await.expect_err("nobody is there");
        assert!(matches!(&error, OpenError::Absent { .. }), "{error:?}");
        assert!(error.to_string().contains("nobody listens there"), "{error}");
        let error = try_connect("beanstalk+unix:///no/such/socket", Duration::ZERO).await.expect_err("nobody is there");
        assert!(error.to_string().contains("no such socket"), "{error}");
    });
}

#[test]
fn a_server_that_comes_later_is_waited_for() {
    run(async {
        let mut server = Server::start(launch());
        server.kill();
        let url = url(&server, "");
        let connecting = tokio::spawn(async move { try_connect(&url, Duration::from_secs(20)).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!connecting.is_finished());
        server.restart();
        soon("it connects", connecting).await.expect("it ends").expect("the server is there now");
    });
}

#[test]
fn a_unix_socket_serves_as_well() {
    run(async {
        // It lends its directory.
        let server = Server::start(launch());
        let socket = server.directory().join("b.sock");
        let mut child = std::process::Command::new("beanstalkd")
            .args(["-l", &format!("unix:{}", socket.display())])
            .spawn()
            .expect("beanstalkd is installed");
        let url = format!("beanstalk+unix://{}", socket.display());
        let broker = try_connect(&url, Duration::from_secs(10)).await;
        let put = match &broker {
            Ok(broker) => {
                use skyloom_core::broker::Broker as _;
                Some(broker.enqueue(&channel("a.v1"), cast(1), EnqueueOptions::default()).await)
            }
            Err(_) => None,
        };
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert_eq!(put, Some(Ok(())), "{:?}", broker.err());
    });
}

/// A server that is slow to answer is no other, and has its time on a Unix socket as well.
#[test]
fn a_slow_server_is_waited_for() {
    run(async {
        let server = Server::start(launch());
        let socket = server.directory().join("slow.sock");
        let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
        let port = server.port();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.expect("somebody connects");
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(1_200)).await;
                    let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("it is there");
                    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        let url = format!("beanstalk+unix://{}", socket.display());
        try_connect(&url, Duration::ZERO).await.expect("it answers within three seconds");
    });
}

#[test]
fn what_survives_is_what_the_server_was_started_for() {
    run(async {
        let (plain, durable) = (Server::start(launch()), durable_server());
        assert_eq!(connect(&url(&plain, "")).await.capabilities().persistence, Persistence::Memory);
        assert_eq!(connect(&url(&durable, "")).await.capabilities().persistence, Persistence::Disk);
    });
}
