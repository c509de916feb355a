//! Mistakes at the start: each is a sentence that names it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use skyloom_broker_adapters::{redis::RedisBroker, remote::OpenError};
use skyloom_core::client::Client;
use skyloom_testing::servers::{Server, free_port, redis_cluster, redis_command, redis_launch, tls_redis};

use super::{
    load::{queue as channel, until_answered, work},
    support::{connect, run, try_connect},
};

/// Why a server cannot be used.
async fn unusable(url: &str) -> String {
    match try_connect(url).await {
        Err(error @ OpenError::Unusable { .. }) => {
            let sentence = error.to_string();
            assert!(!sentence.contains("secret"), "no password is shown: {sentence}");
            sentence
        }
        other => panic!("{url} was to be unusable, and it was {other:?}"),
    }
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port())
}

/// A listener that says this to whoever comes, and reads what he says.
fn somebody_else(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            drop(stream.write_all(words.as_bytes()));
            drop(stream.read(&mut [0; 4096]));
        }
    });
    port
}

#[test]
fn nobody_there_is_absent_after_the_patience() {
    run(async {
        let url = format!("redis://127.0.0.1:{}", free_port());
        let opened = RedisBroker::connect(&url.parse().expect("a URL"), Duration::from_millis(300)).await;
        let Err(error @ OpenError::Absent { .. }) = opened else { panic!("nobody is there: {opened:?}") };
        assert!(error.to_string().contains("nobody listens"), "{error}");
    });
}

#[test]
fn a_server_that_starts_late_is_waited_for() {
    run(async {
        let mut server = Server::start(redis_launch());
        server.kill();
        let address = url(&server);
        let connecting = tokio::spawn(async move { try_connect(&address).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.restart();
        connecting.await.expect("it ends").expect("it connects");
    });
}

#[test]
fn a_password_is_asked_for_and_checked() {
    run(async {
        let server = Server::start(redis_launch().args(["--requirepass", "secret"]));
        let port = server.port();
        let missing = unusable(&url(&server)).await;
        assert!(missing.contains("wants a password"), "{missing}");
        let wrong = unusable(&format!("redis://:secreter@127.0.0.1:{port}")).await;
        assert!(wrong.contains("password for user \"default\" is wrong"), "{wrong}");
        let unknown = unusable(&format!("redis://ada:secret@127.0.0.1:{port}")).await;
        assert!(unknown.contains("user \"ada\""), "{unknown}");
        try_connect(&format!("redis://:secret@127.0.0.1:{port}")).await.expect("the right one is taken");
    });
}

#[test]
fn a_missing_permission_is_named() {
    run(async {
        let server = Server::start(redis_launch());
        let answer = redis_command(&server, "ACL SETUSER ada on >secret ~other:* &* +@all");
        assert_eq!(answer, "+OK");
        let no_keys = unusable(&format!("redis://ada:secret@127.0.0.1:{}", server.port())).await;
        assert!(no_keys.contains("lacks a permission") && no_keys.contains("NOPERM"), "{no_keys}");
        assert_eq!(redis_command(&server, "ACL SETUSER bob on >secret ~* &* +@all -evalsha"), "+OK");
        let no_scripts = unusable(&format!("redis://bob:secret@127.0.0.1:{}", server.port())).await;
        assert!(no_scripts.contains("lacks a permission") && no_scripts.contains("evalsha"), "{no_scripts}");
    });
}

#[test]
fn another_protocol_is_named() {
    run(async {
        let http = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
        for words in [http, "INFO {\"server_id\":\"x\"}\r\n", "UNKNOWN_COMMAND\r\n"] {
            let sentence = unusable(&format!("redis://127.0.0.1:{}", somebody_else(words))).await;
            assert!(sentence.contains("does not speak Redis's protocol"), "{words:?}: {sentence}");
        }
        let sentence = unusable(&format!("rediss://127.0.0.1:{}", somebody_else(http))).await;
        assert!(sentence.contains("does not speak TLS"), "{sentence}");
    });
}

#[test]
fn tls_is_verified_and_expected_or_not() {
    run(async {
        let server = tls_redis();
        let (port, ca) = (server.port(), server.directory().join("ca.pem"));
        let plain = unusable(&format!("redis://127.0.0.1:{port}")).await;
        assert!(plain.contains("rediss://"), "{plain}");
        let unverified = unusable(&format!("rediss://127.0.0.1:{port}")).await;
        assert!(unverified.contains("certificate does not verify"), "{unverified}");
        let trusted = format!("rediss://localhost:{port}?ca={}", ca.display());
        try_connect(&trusted).await.expect("its authority is known");
        let bare = Server::start(redis_launch());
        let no_tls = unusable(&format!("rediss://127.0.0.1:{}", bare.port())).await;
        assert!(no_tls.contains("does not speak TLS"), "{no_tls}");
    });
}

#[test]
fn one_server_is_no_cluster_and_a_cluster_is_not_one_server() {
    run(async {
        let server = Server::start(redis_launch());
        let no_cluster = unusable(&format!("redis+cluster://127.0.0.1:{}", server.port())).await;
        assert!(no_cluster.contains("it is no Redis Cluster"), "{no_cluster}");
        let cluster = redis_cluster();
        // A node that has the slot by chance does not say so at once.
        let mut sentences = Vec::new();
        for node in &cluster {
            if let Err(OpenError::Unusable { reason, .. }) = try_connect(&url(node)).await {
                sentences.push(reason);
            }
        }
        assert!(sentences.iter().all(|reason| reason.contains("redis+cluster://")), "{sentences:?}");
        assert!(sentences.len() >= 2, "{sentences:?}");
    });
}

#[test]
fn a_unix_socket_is_used() {
    run(async {
        let launch = redis_launch();
        let socket = launch.directory().join("redis.sock");
        let path = socket.to_str().expect("it is UTF-8").to_owned();
        let _server = Server::start(launch.args(["--unixsocket", &path]));
        try_connect(&format!("redis+unix://{path}")).await.expect("the socket can be used");
        let missing = RedisBroker::connect(&"redis+unix:///nowhere.sock".parse().expect("a URL"), Duration::ZERO).await;
        assert!(matches!(missing, Err(OpenError::Absent { .. })), "{missing:?}");
    });
}

/// On the loopback address of IPv6, which this host must have.
#[test]
fn an_address_of_ipv6_is_used_by_one_server_and_by_a_cluster() {
    run(async {
        let server = Server::start(redis_launch().args(["--bind", "127.0.0.1", "::1"]));
        let calls = channel("calls.v1");
        let broker = connect(&format!("redis://[::1]:{}", server.port())).await;
        work(Arc::clone(&broker), calls.clone(), Arc::default());
        until_answered(&Client::new(broker), &calls).await;

        let announced = ["--cluster-enabled", "yes", "--cluster-announce-ip", "::1", "--bind", "127.0.0.1", "::1"];
        let server = Server::start(redis_launch().args(announced));
        assert_eq!(redis_command(&server, "CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
        let broker = connect(&format!("redis+cluster://[::1]:{}", server.port())).await;
        work(Arc::clone(&broker), calls.clone(), Arc::default());
        until_answered(&Client::new(broker), &calls).await;

        // Nobody listens there, and the address is shown as it is written.
        let url = format!("redis://[::1]:{}", free_port());
        let absent = RedisBroker::connect(&url.parse().expect("a URL"), Duration::from_millis(300)).await;
        let sentence = absent.expect_err("nobody is there").to_string();
        assert!(sentence.contains(url.trim_start_matches("redis://")), "{sentence}");
    });
}
