//! What can be wrong at start, each in one sentence; and what is needed to come in.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    time::Duration,
};

use skyloom_broker_adapters::{
    nats::{NatsBroker, NatsLink},
    remote::OpenError,
};
use skyloom_core::broker::{Broker, BrokerError, ConsumeOptions, EnqueueOptions};
use skyloom_testing::servers::{Launch, Server, free_port, mutual_tls_nats, nats, nats_plain, nats_with, tls_nats};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    account,
    kit::{cast, queue, soon},
    site::{PATIENCE, connect},
};

async fn mistake(url: &str) -> OpenError {
    let patience = Duration::from_millis(300);
    let connected = soon("an answer", NatsBroker::connect(&url.parse().expect("a URL"), patience)).await;
    connected.expect_err("it cannot be used")
}

async fn unusable(url: &str, expected: &str) {
    match mistake(url).await {
        OpenError::Unusable { reason, address } => {
            assert!(reason.contains(expected), "{url}: {reason}");
            assert!(!address.contains("secret"), "{address}");
        }
        other => panic!("{url}: {other}"),
    }
}

#[tokio::test]
async fn nobody_there_is_waited_for_and_then_said() {
    let error = mistake(&format!("nats://127.0.0.1:{}", free_port())).await;
    assert!(matches!(error, OpenError::Absent { .. }), "{error}");
    let port = free_port();
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        let launch = Launch::new("nats-server").args(["-a", "127.0.0.1", "-js", "-p", &port.to_string()]);
        let directory = launch.directory().display().to_string();
        // It listens on another port than the launch's own, which nobody waits for.
        let arguments = ["-js", "-a", "127.0.0.1", "-sd", &directory, "-p", &port.to_string()].map(str::to_owned);
        Command::new("/usr/sbin/nats-server").args(arguments).spawn().map(|server| (server, launch))
    });
    let url = format!("nats://127.0.0.1:{port}");
    let connected = NatsBroker::connect(&url.parse().expect("a URL"), PATIENCE).await;
    let (mut server, _) = late.join().expect("it starts").expect("it starts");
    drop((server.kill(), server.wait()));
    connected.expect("it is waited for");
}

/// A host that does not even refuse, as one behind a firewall.
#[tokio::test]
async fn a_host_that_drops_what_is_sent_to_it_is_given_up_in_time() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    // Nobody accepts: once as many wait as may, nobody else gets an answer.
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let url = format!("nats://{address}").parse().expect("a URL");
    let connecting = NatsBroker::connect(&url, Duration::from_secs(1));
    let error = timeout(Duration::from_secs(30), connecting).await.expect("it ends").expect_err("nobody is there");
    assert!(matches!(error, OpenError::Absent { .. }), "{error}");
}

#[tokio::test]
async fn an_unknown_option_is_named_with_the_nearest() {
    let error = mistake("nats://127.0.0.1:1?repicas=3").await.to_string();
    assert!(error.contains("\"repicas\"") && error.contains("\"replicas\""), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_named() {
    let server = nats_with("authorization { user: ada, password: secret }");
    let port = server.port();
    unusable(&format!("nats://ada:secret1@127.0.0.1:{port}"), "does not accept these credentials").await;
    unusable(&format!("nats://127.0.0.1:{port}"), "user:password@").await;
    let broker = connect(&format!("nats://ada:secret@127.0.0.1:{port}")).await;
    assert!(!format!("{broker:?} {broker}").contains("secret"));
}

#[tokio::test]
async fn a_token_and_an_nkey_open_the_door() {
    let server = nats_with("authorization { token: s3cret }");
    unusable(&format!("nats://other@127.0.0.1:{}", server.port()), "does not accept these credentials").await;
    connect(&format!("nats://s3cret@127.0.0.1:{}", server.port())).await;

    // A pair of keys of nobody.
    let public = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    let server = nats_with(&format!("authorization {{ users: [ {{ nkey: {public} }} ] }}"));
    let file = server.directory().join("seed.nk");
    std::fs::write(&file, seed).expect("a file can be written");
    let url = format!("nats://127.0.0.1:{}?nkey={}", server.port(), file.display());
    connect(&url).await;
    unusable(&url.replace("seed.nk", "none.nk"), "none.nk cannot be read").await;
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let user = "user: ada, password: secret, permissions:";
    let server = nats_with(&format!(
        "authorization {{ users: [ {{ {user} {{ publish: [\"skyloom.>\", \"_INBOX.>\"], subscribe: \">\" }} }} ] }}"
    ));
    unusable(&format!("nats://ada:secret@127.0.0.1:{}", server.port()), "no permission for $JS.API.INFO").await;

    let server = nats_with(&format!(
        "authorization {{ users: [ {{ {user} {{ publish: {{ deny: [\"skyloom.queue.locked=v1\", \
         \"$JS.API.STREAM.CREATE.skyloom=queue=closed=v1\"] }} }} }} ] }}"
    ));
    let broker = connect(&format!("nats://ada:secret@127.0.0.1:{}", server.port())).await;
    let refused = soon("a cast", broker.enqueue(&queue("locked.v1"), cast(1).into(), EnqueueOptions::default())).await;
    let Err(BrokerError::Refused { reason }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("skyloom.queue.locked=v1"), "{reason}");
    let refused = soon("consume", broker.consume(queue("closed.v1"), ConsumeOptions::default())).await;
    let Err(BrokerError::Refused { reason }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("$JS.API.STREAM.CREATE"), "{reason}");
}

/// A server that is none of ours: it says something as soon as somebody connects, or answers what he says.
fn stranger(first: &'static [u8], answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            std::thread::spawn(move || {
                drop(socket.write_all(first));
                let heard = socket.read(&mut [0; 1024]).unwrap_or(0);
                if heard > 0 {
                    drop(socket.write_all(answer));
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn another_protocol_is_named() {
    let http = stranger(b"", b"HTTP/1.1 400 Bad Request\r\n\r\n");
    unusable(&format!("nats://127.0.0.1:{http}"), "an HTTP server").await;
    let redis = stranger(b"", b"+PONG\r\n");
    unusable(&format!("nats://127.0.0.1:{redis}"), "a Redis server").await;
    let mail = stranger(b"220 mail.example ESMTP\r\n", b"500\r\n");
    unusable(&format!("nats://127.0.0.1:{mail}"), "220 mail.example").await;
}

#[tokio::test]
async fn a_server_without_jetstream_is_named() {
    let server = nats_plain("");
    let url = format!("nats://127.0.0.1:{}", server.port());
    unusable(&url, "-js").await;
    let core = format!("{url}?mode=core");
    connect(&core).await;
    let registry = soon("an answer", NatsLink::connect(&core.parse().expect("a URL"), PATIENCE)).await;
    let said = registry.expect_err("the registry needs it").to_string();
    assert!(said.contains("name another registry") && !said.contains("mode=core,"), "{said}");
}

async fn absent(url: &str, expected: &str) {
    match mistake(url).await {
        OpenError::Absent { reason, .. } => assert!(reason.contains(expected), "{url}: {reason}"),
        other => panic!("{url}: {other}"),
    }
}

/// What may be well in a moment is no mistake, after which a supervisor would not start a service again.
#[tokio::test]
async fn what_hangs_or_waits_for_its_cluster_may_be_there_later() {
    let server = nats();
    server.freeze();
    absent(&format!("nats://127.0.0.1:{}", server.port()), "accepts connections and says nothing").await;
    let alone = format!(
        "server_name: alone\ncluster {{ name: three, listen: \"127.0.0.1:{}\", routes: [\"nats://127.0.0.1:1\"] }}",
        free_port()
    );
    let server = nats_with(&alone);
    absent(&format!("nats://127.0.0.1:{}", server.port()), "most servers of its cluster").await;
}

fn ca(server: &Server) -> String {
    server.directory().join("ca.pem").display().to_string()
}

#[tokio::test]
async fn tls_is_spoken_and_its_mistakes_are_named() {
    let server = tls_nats();
    let (port, ca) = (server.port(), ca(&server));
    for url in [format!("tls://localhost:{port}?ca={ca}"), format!("nats://127.0.0.1:{port}?tls=true&ca={ca}")] {
        let broker = connect(&url).await;
        let sent = broker.enqueue(&queue("private.v1"), cast(1).into(), EnqueueOptions::default());
        assert_eq!(soon("a cast", sent).await, Ok(()), "{url}");
    }
    unusable(&format!("tls://localhost:{port}"), "certificate").await;
    unusable(&format!("tls://localhost:{port}?ca=/none.pem"), "/none.pem cannot be read").await;
    let key = server.directory().join("server.key");
    unusable(&format!("tls://localhost:{port}?ca={}", key.display()), "server.key has no certificate in it").await;
    let plain = nats();
    unusable(&format!("tls://127.0.0.1:{}?ca={ca}", plain.port()), "write nats:// instead of tls://").await;
}

#[tokio::test]
async fn a_server_that_asks_for_our_certificate_gets_it() {
    let server = mutual_tls_nats();
    let url = format!("tls://localhost:{}?ca={}", server.port(), ca(&server));
    let own = |name: &str| server.directory().join(name).display().to_string();
    let broker = connect(&format!("{url}&cert={}&key={}", own("server.pem"), own("server.key"))).await;
    let sent = broker.enqueue(&queue("private.v1"), cast(1).into(), EnqueueOptions::default());
    assert_eq!(soon("a cast", sent).await, Ok(()));
    unusable(&url, "?cert= and ?key=").await;
    unusable(&format!("{url}&cert=/none.pem&key=/none.key"), "/none.pem cannot be read").await;
}

#[tokio::test]
async fn a_credentials_file_opens_the_door() {
    let (server, known, unknown) = account::start();
    let url = |file: &Path| format!("nats://127.0.0.1:{}?mode=core&creds={}", server.port(), file.display());
    let broker = connect(&url(&known)).await;
    let channel = queue("vouched.v1");
    let _consumer = soon("consume", broker.consume(channel.clone(), ConsumeOptions::default())).await.expect("it is");
    let sent = broker.enqueue(&channel, cast(1).into(), EnqueueOptions::default());
    assert_eq!(soon("a cast", sent).await, Ok(()));
    unusable(&url(&unknown), "does not accept these credentials").await;
    unusable(&url(Path::new("/none.creds")), "/none.creds cannot be read").await;
    let garbled = server.directory().join("nats.conf");
    unusable(&url(&garbled), "is no credentials file").await;
}
