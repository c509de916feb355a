//! Mistakes at the start, each with its sentence.

use std::{net::Ipv4Addr, time::Duration};

use skyloom_broker_adapters::{
    amqp::AmqpBroker,
    remote::{BrokerUrl, OpenError},
};
use skyloom_testing::servers::free_port;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::kit::server;

/// Why a URL cannot be used, as a user reads it.
async fn mistake(url: &str) -> String {
    let url: BrokerUrl = url.parse().expect("a URL");
    match AmqpBroker::connect(&url, Duration::ZERO).await {
        Err(error @ OpenError::Unusable { .. }) => error.to_string(),
        other => panic!("{url} was not to be usable, and is {other:?}"),
    }
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let port = server().server().port();
    let login = mistake(&format!("amqp://guest:wrong@127.0.0.1:{port}")).await;
    assert!(login.contains("ACCESS_REFUSED") && login.contains("Login was refused"), "{login}");
    assert!(!login.contains("wrong"), "a password is not shown: {login}");
    let missing = mistake(&format!("amqp://guest:secret@127.0.0.1:{port}/nowhere")).await;
    assert!(missing.contains("nowhere") && missing.contains("not found"), "{missing}");
    let closed = mistake(&format!("amqp://guest:secret@127.0.0.1:{port}/closed")).await;
    assert!(closed.contains("access to vhost 'closed' refused for user 'guest'"), "{closed}");
    let watcher = mistake(&format!("amqp://watcher:secret@127.0.0.1:{port}/%2f")).await;
    assert!(watcher.contains("access to queue 'skyloom:nobody'"), "{watcher}");
    assert!(watcher.contains("configure, write and read permission"), "{watcher}");
}

#[tokio::test]
async fn tls_is_used_where_it_is_expected() {
    let (plain, tls) = (server().server().port(), server().tls_port());
    let authority = server().authority();
    let unexpected = mistake(&format!("amqp://guest:secret@127.0.0.1:{tls}")).await;
    assert!(unexpected.contains("amqps://"), "{unexpected}");
    let missing = mistake(&format!("amqps://guest:secret@127.0.0.1:{plain}?ca={authority}")).await;
    assert!(missing.contains("amqp://"), "{missing}");
    let stranger = mistake(&format!("amqps://guest:secret@127.0.0.1:{tls}")).await;
    assert!(stranger.contains("certificate does not verify") && stranger.contains("?ca="), "{stranger}");
    let nothing = mistake(&format!("amqps://guest:secret@127.0.0.1:{tls}?ca=/nowhere.pem")).await;
    assert!(nothing.contains("option ca: /nowhere.pem"), "{nothing}");
}

/// A server that says something else, at once or when it is asked.
async fn other_server(at_once: &'static [u8], asked: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                drop(client.write_all(at_once).await);
                let mut line = Vec::new();
                // As a server that reads lines does.
                while !line.contains(&b'\n') && client.read_buf(&mut line).await.is_ok_and(|read| read > 0) {}
                drop(client.write_all(asked).await);
                drop(client.read_to_end(&mut line).await);
            });
        }
    });
    port
}

#[tokio::test]
async fn another_protocol_is_named() {
    let cases: [(&[u8], &[u8], &str); 4] = [
        (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server"),
        (b"INFO {\"server_id\":\"x\"} \r\n", b"", "a NATS server"),
        (b"", b"-ERR unknown command\r\n", "a Redis server"),
        (b"", b"UNKNOWN_COMMAND\r\n", "a beanstalkd server"),
    ];
    for (at_once, asked, name) in cases {
        let port = other_server(at_once, asked).await;
        let said = mistake(&format!("amqp://127.0.0.1:{port}")).await;
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[tokio::test]
async fn nobody_there_is_waited_for() {
    let url: BrokerUrl = format!("amqp://ada:hush@127.0.0.1:{}", free_port()).parse().expect("a URL");
    let absent = AmqpBroker::connect(&url, Duration::from_millis(100)).await.expect_err("nobody is there");
    assert!(matches!(absent, OpenError::Absent { .. }), "{absent:?}");
    assert!(absent.to_string().contains("nobody listens there"), "{absent}");
    let typo: BrokerUrl = "amqp://h?queu=quorum".parse().expect("a URL");
    let typo = AmqpBroker::connect(&typo, Duration::ZERO).await.expect_err("it has a mistake").to_string();
    assert!(typo.contains("did you mean \"queue\""), "{typo}");
}

#[tokio::test]
async fn a_connection_is_encrypted() {
    use skyloom_core::broker::Broker as _;
    let (port, authority) = (server().tls_port(), server().authority());
    let url = format!("amqps://guest:secret@localhost:{port}/%2f?ca={authority}&prefix={}", crate::kit::corner());
    let url = url.parse().expect("a URL");
    let broker = AmqpBroker::connect(&url, crate::kit::PATIENCE).await.expect("the broker can be used");
    let channel = "private.v1".parse().expect("a channel");
    let mut cast = skyloom_core::Envelope::new(skyloom_core::Kind::Cast, skyloom_core::Guid::call());
    cast.payload = vec![7; 1 << 20].into();
    broker.enqueue(&channel, cast.clone().into(), Default::default()).await.expect("it is accepted");
    let mut consumer = broker.consume(channel, Default::default()).await.expect("it can be consumed");
    let delivery = consumer.next().await.expect("it comes");
    assert!(delivery.envelope().payload == cast.payload, "it arrives as it was sent");
    assert!(!format!("{broker} {broker:?}").contains("secret"), "a password is not shown");
}
