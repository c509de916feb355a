//! `sky up` with a gateway that is built from its sources.

use std::{fs, net::TcpListener};

use rustix::process::{Signal, test_kill_process};

use crate::{
    ground::until,
    load::Load,
    site::{Cluster, pid},
    workspace::{edit_gateway, workspace},
};

const FILE: &str = "[broker]\n[gateway]\nport = PORT\npackage = 'front'\n[services.orders]\npackage = 'orders'\n";

/// So often the gateway is replaced under load.
const REPLACED: usize = 20;

#[tokio::test]
async fn no_request_fails_while_the_gateway_is_replaced_again_and_again() {
    let mut cluster = workspace(FILE);
    let load = Load::on_watched(&mut cluster).await;
    let mut before = pid(&cluster.process("gateway"));
    for number in 1..=REPLACED {
        edit_gateway(&cluster, &format!("edition {number}"));
        until("the next gateway", || {
            let now = cluster.process("gateway");
            now["starts"] == number + 1 && now["ready"] == true && pid(&now) != before
        })
        .await;
        until("the old one to end", || before.is_some_and(|before| test_kill_process(before).is_err())).await;
        before = pid(&cluster.process("gateway"));
        load.goes_on().await;
    }
    load.end(&cluster).await;
    assert_eq!(cluster.process("orders.1")["starts"], 1, "only what changed is replaced: {}", cluster.screen());
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
    let screen = cluster.screen();
    assert_eq!(screen.matches("gateway is ready; the old one finishes its work").count(), REPLACED, "{screen}");
    drop(TcpListener::bind(("127.0.0.1", cluster.port)).expect("the socket is held no longer"));
}

#[tokio::test]
async fn a_gateway_that_does_not_start_leaves_the_old_one_and_one_that_dies_is_waited_for() {
    let mut cluster = workspace(FILE);
    cluster.start_and_wait(&["--watch"]).await;
    let main = cluster.path("front/src/main.rs");
    let good = fs::read_to_string(&main).unwrap();
    fs::write(&main, good.replace("fn main() {", "fn main() {\n    if true { std::process::exit(3) }")).unwrap();
    let word = "the new gateway ended with exit code 3 before it was ready; the old one goes on";
    until("the one that ends", || cluster.screen().contains(word)).await;
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"));

    fs::write(&main, good).unwrap();
    let before = pid(&cluster.process("gateway")).unwrap();
    until("the repaired one", || pid(&cluster.process("gateway")) != Some(before)).await;
    let killed = pid(&cluster.process("gateway")).unwrap();
    rustix::process::kill_process(killed, Signal::KILL).unwrap();
    // The socket stays open: this waits for the next one, and is not refused.
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"), "{}", cluster.screen());
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

#[tokio::test]
async fn a_gateway_that_was_ready_is_started_anew_though_the_one_before_it_never_was() {
    let mut cluster = workspace(FILE);
    let main = cluster.path("front/src/main.rs");
    let good = fs::read_to_string(&main).unwrap();
    fs::write(&main, good.replace("fn main() {", "fn main() {\n    while true { std::thread::park() }")).unwrap();
    cluster.start(&["--watch"]);
    until("the one that is never ready", || cluster.process("gateway")["starts"] == 1).await;
    fs::write(&main, good).unwrap();
    until("the repaired one", || cluster.process("gateway")["ready"] == true).await;
    rustix::process::kill_process(pid(&cluster.process("gateway")).unwrap(), Signal::KILL).unwrap();
    until("the next one", || cluster.process("gateway")["starts"] == 3).await;
    assert!(cluster.get("/v1/hello/Ada").contains("Hello, Ada!"), "{}", cluster.screen());
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}

/// A gateway that takes no socket: it answers every request with 200.
const ALONE: &str = "use std::{io::{Read, Write}, net::TcpListener};
fn main() {
    let _ = include_str!(\"edition.txt\");
    let listener = TcpListener::bind(std::env::args().last().unwrap()).unwrap_or_else(|error| {
        eprintln!(\"{error}\");
        std::process::exit(1)
    });
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b\"\\r\\n\\r\\n\") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            request.push(byte[0]);
        }
        let _ = stream.write_all(b\"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n\");
    }
}
";

#[tokio::test]
async fn a_program_that_takes_no_socket_listens_by_itself_if_the_file_says_so() {
    let alone = |file: &str| {
        let cluster = workspace(file);
        fs::write(cluster.path("front/src/main.rs"), ALONE).unwrap();
        cluster
    };
    let said = alone(FILE).refused(&[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("| Address already in use"), "{said:?}");
    let hint = "one that can only listen by itself wants hold = false in [gateway]. Its last lines:\n";
    assert!(said.err.contains(hint), "{said:?}");

    let mut cluster: Cluster = alone(&FILE.replace("[gateway]\n", "[gateway]\nhold = false\n"));
    cluster.start_and_wait(&["--watch"]).await;
    fs::write(cluster.path("front/src/main.rs"), ALONE.replace("200 OK", "200 Fine")).unwrap();
    until("the next one", || cluster.process("gateway")["starts"] == 2 && cluster.state()["ready"] == true).await;
    assert!(cluster.get("/").starts_with("HTTP/1.1 200 Fine"));
    // One that never answers is not ready, though the one before it was.
    fs::write(
        cluster.path("front/src/main.rs"),
        ALONE.replace("stream.unwrap();", "stream.unwrap(); std::thread::park();"),
    )
    .unwrap();
    until("the silent one", || cluster.process("gateway")["starts"] == 3).await;
    assert_eq!(cluster.process("gateway")["ready"], false);
    cluster.signal(Signal::TERM);
    assert_eq!(cluster.ended().await, Some(0), "{}", cluster.screen());
}
