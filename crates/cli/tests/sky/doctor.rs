//! `sky doctor`.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use serde_json::Value;
use skyloom_testing::servers::{self, Launch, RabbitMq, Server, redis_launch};
use tempfile::TempDir;

use crate::{
    ground::{Ground, Said, command, run, until},
    site::{Cluster, free_port},
};

/// `sky doctor` in a directory, on a broker, with a port of its own.
async fn doctor(directory: &Path, broker: &str, port: u16, more: &[&str]) -> Said {
    let mut sky = command();
    sky.arg("doctor").args(more).current_dir(directory);
    sky.env("SKYLOOM_BROKER", broker).env("SKYLOOM_LISTEN", format!("127.0.0.1:{port}"));
    run(sky, "").await
}

fn nowhere() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let broker = format!("unix:{}", directory.path().join("b.sock").display());
    (directory, broker)
}

fn finding(said: &Said, check: &str) -> Value {
    let rows = said.json();
    rows.as_array().unwrap().iter().find(|row| row["check"] == check).cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_machine_without_a_broker_is_told_how_to_get_one() {
    let (directory, broker) = nowhere();
    let said = doctor(directory.path(), &broker, free_port(), &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains(&format!("note    broker         no broker runs at {broker}\n")), "{}", said.out);
    assert!(said.out.contains("-> `sky up CLUSTER` or `sky broker` starts one"), "{}", said.out);
    assert!(said.out.contains("ok      socket         "), "{}", said.out);
    assert!(said.out.contains("open files"), "{}", said.out);
}

#[tokio::test]
async fn a_broker_of_another_user_is_not_said_to_be_away() {
    let (directory, broker) = nowhere();
    let (sky, socket) = (directory.path().join("sky"), directory.path().join("b.sock"));
    // Whoever builds the programs may keep them where others may not go.
    fs::copy(env!("CARGO_BIN_EXE_sky"), &sky).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, mode) in [(directory.path(), 0o755), (&socket, 0o000)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut sky = Command::new(sky);
    sky.args(["doctor", "--json", "--broker", &broker]).current_dir(directory.path());
    sky.env("SKYLOOM_LISTEN", format!("127.0.0.1:{}", free_port()));
    if rustix::process::geteuid().is_root() {
        // The user and the group `nobody`.
        sky.uid(65_534).gid(65_534);
    }
    let said = run(sky, "").await;
    assert_eq!(said.code, 1, "{said:?}");
    let (socket, broker) = (finding(&said, "socket"), finding(&said, "broker"));
    assert!(socket["found"].as_str().unwrap().ends_with("b.sock is another user's"), "{said:?}");
    assert_eq!(
        (&broker["state"], &broker["found"]),
        (&"broken".into(), &"whether one runs there, this user may not ask".into())
    );
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_not_said_to_be_away() {
    let (directory, broker) = nowhere();
    let _stopped = std::os::unix::net::UnixListener::bind(directory.path().join("b.sock")).unwrap();
    let silent = format!(
        "no broker at {broker}: it takes connections and does not answer; see whether its process is stopped or hangs, or \
         name another with --broker"
    );
    let said = doctor(directory.path(), &broker, free_port(), &["--json"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let found = finding(&said, "broker");
    assert_eq!((&found["state"], &found["found"]), (&"broken".into(), &silent.as_str().into()));
    let mut sky = command();
    sky.args(["services", "--broker", &broker]);
    assert_eq!(run(sky, "").await.sentence(1), silent);
}

/// A broker on the network and the embedded one that keeps its registry are two processes, and either may be what is wrong.
#[tokio::test]
async fn a_registry_that_hangs_is_told_from_a_broker_that_is_away() {
    let (directory, registry) = nowhere();
    let _stopped = std::os::unix::net::UnixListener::bind(directory.path().join("b.sock")).unwrap();
    let more = ["--json", "--registry", &registry];
    let away = format!("beanstalk://127.0.0.1:{}", free_port());
    let said = doctor(directory.path(), &away, free_port(), &more).await;
    let found = finding(&said, "broker");
    assert_eq!((said.code, &found["state"]), (1, &"broken".into()), "{said:?}");
    assert!(found["advice"].as_str().unwrap().starts_with("start the broker"), "{found}");
    let server = Server::start(Launch::beanstalkd());
    let there = format!("beanstalk://127.0.0.1:{}", server.port());
    let said = doctor(directory.path(), &there, free_port(), &more).await;
    let (broker, found) = (finding(&said, "broker"), finding(&said, "registry"));
    assert_eq!((&broker["state"], &found["state"]), (&"ok".into(), &"broken".into()), "{said:?}");
    assert!(found["advice"].as_str().unwrap().contains("kill -CONT"), "{found}");
}

#[tokio::test]
async fn open_files_are_judged_by_what_a_process_can_raise_its_limit_to() {
    let (_directory, broker) = nowhere();
    for (limit, is_broken) in [("ulimit -S -n 200", false), ("ulimit -n 200", true)] {
        let mut shell = Command::new("sh");
        let sky = command();
        shell.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]).arg(sky.get_program());
        shell.args(["doctor", "--json", "--broker", &broker]);
        let said = run(shell, "").await;
        let found = finding(&said, "open files");
        assert_eq!(found["state"] == "broken", is_broken, "{limit}: {found}");
    }
}

#[tokio::test]
async fn a_running_cluster_is_found_well() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let said = doctor(ground.directory.path(), &ground.url, free_port(), &["--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for check in ["broker", "version", "registry", "socket", "port"] {
        assert_eq!(finding(&said, check)["state"], "ok", "{check}: {said:?}");
    }
    assert_eq!(finding(&said, "registry")["found"], "1 service, 1 instance");
    assert_eq!(finding(&said, "version")["found"], "the broker and this sky speak protocol 1");
    // A gateway is no obstacle to itself.
    let port = free_port();
    let mut gateway = ground.command(&["gateway", "--port", &port.to_string()]).spawn().unwrap();
    crate::ground::until("the gateway", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
    let said = doctor(ground.directory.path(), &ground.url, port, &["--json"]).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert_eq!(finding(&said, "port")["found"], format!("a gateway answers at 127.0.0.1:{port}"));
}

#[tokio::test]
async fn what_is_broken_is_said_with_what_to_do() {
    let (directory, broker) = nowhere();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    std::thread::spawn(move || taken.incoming().for_each(drop));
    fs::write(directory.path().join("cluster.toml"), "[broker]\n[services.qr]\ncomand = ['sh']\n").unwrap();
    let said = doctor(directory.path(), &broker, port, &[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for line in [
        "broken  cluster file",
        "line 3: there is no key \"comand\" in [services.qr]; did you mean command?",
        &format!("broken  port           something that is no gateway listens on 127.0.0.1:{port}"),
        &format!("ss -ltnp 'sport = :{port}'"),
    ] {
        assert!(said.out.contains(line), "{line} is missing from\n{}", said.out);
    }
    assert_eq!(said.err, "sky: 2 things are broken\n");

    fs::remove_file(directory.path().join("cluster.toml")).unwrap();
    fs::write(directory.path().join("skyloom.toml"), "[default]\nlsten = 'x'\n").unwrap();
    let said = doctor(directory.path(), &broker, free_port(), &["--json"]).await;
    assert_eq!((said.code, &finding(&said, "configuration")["state"]), (1, &"broken".into()));
    // One mistake is one finding.
    fs::write(directory.path().join("cluster.toml"), "[broker]\n[services.qr]\ncommand = ['sh']\n").unwrap();
    let said = doctor(directory.path(), &broker, free_port(), &["--json"]).await;
    assert_eq!((said.code, &finding(&said, "cluster file")["state"]), (1, &"ok".into()), "{said:?}");
    assert_eq!(said.err, "sky: one thing is broken\n");
    fs::remove_file(directory.path().join("cluster.toml")).unwrap();
    fs::remove_file(directory.path().join("skyloom.toml")).unwrap();

    let lost = doctor(directory.path(), &format!("nats://127.0.0.1:{}", free_port()), free_port(), &["--json"]).await;
    assert_eq!((lost.code, &finding(&lost, "broker")["state"]), (1, &"broken".into()));
    fs::write(directory.path().join("b.sock"), "").unwrap();
    let said = doctor(directory.path(), &broker, free_port(), &["--json"]).await;
    assert_eq!((said.code, &finding(&said, "socket")["state"]), (1, &"broken".into()), "{said:?}");
    fs::remove_file(directory.path().join("b.sock")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(directory.path().join("b.sock")).unwrap();
    fs::set_permissions(directory.path().join("b.sock"), fs::Permissions::from_mode(0o666)).unwrap();
    let said = doctor(directory.path(), &broker, free_port(), &["--json"]).await;
    drop(socket);
    assert!(finding(&said, "socket")["advice"].as_str().unwrap().starts_with("chmod 600 "), "{said:?}");
}

#[tokio::test]
async fn a_cluster_file_is_looked_at_whole() {
    let (directory, broker) = nowhere();
    let port = free_port();
    let file = format!("[broker]\n[gateway]\nport = {port}\n[services.qr]\ncommand = ['sh']\n");
    fs::write(directory.path().join("mine.toml"), file).unwrap();
    let said = doctor(directory.path(), &broker, 1, &["--json", "mine.toml"]).await;
    assert_eq!(finding(&said, "cluster file")["found"], "mine.toml: broker, qr, gateway", "{said:?}");
    assert_eq!(finding(&said, "port")["found"], format!("127.0.0.1:{port} is free for the gateway"));
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn a_port_that_a_cluster_holds_for_its_gateway_is_no_obstacle() {
    let file = "[broker]\n[gateway]\nport = PORT\n[services.slow]\ncommand = ['sleep', '600']\n";
    let mut cluster = Cluster::new(file);
    cluster.start(&[]);
    until("the service", || cluster.process("slow.1")["pid"].is_u64()).await;
    let said = run(cluster.command(&["doctor", "--json"]), "").await;
    let up = cluster.up.as_ref().unwrap().id();
    let found = format!("`sky up` (pid {up}) holds 127.0.0.1:{} for a gateway that does not answer yet", cluster.port);
    assert_eq!((&finding(&said, "port")["state"], &finding(&said, "port")["found"]), (&"note".into(), &found.into()));
}

#[tokio::test]
async fn an_address_that_is_none_is_said() {
    let (directory, broker) = nowhere();
    let mut sky = command();
    sky.args(["doctor", "--json"]).current_dir(directory.path());
    sky.env("SKYLOOM_BROKER", broker).env("SKYLOOM_LISTEN", "localhost");
    let said = run(sky, "").await;
    assert_eq!((said.code, &finding(&said, "configuration")["state"]), (1, &"broken".into()), "{said:?}");
    let found = finding(&said, "configuration")["found"].to_string();
    assert!(found.contains("SKYLOOM_LISTEN: listen: ") && found.contains("is no address"), "{found}");
}

/// What it says about the version of the server at this URL.
async fn version(url: &str) -> String {
    let (directory, _) = nowhere();
    let said = doctor(directory.path(), url, free_port(), &["--json"]).await;
    assert_eq!(finding(&said, "version")["state"], "ok", "{said:?}");
    finding(&said, "version")["found"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_version_is_known_on_nats() {
    let server = servers::nats();
    let found = version(&format!("nats://127.0.0.1:{}", server.port())).await;
    assert!(found.starts_with("nats-server 2."), "{found}");
}

#[tokio::test]
async fn the_version_is_known_on_redis() {
    let server = Server::start(redis_launch());
    let found = version(&format!("redis://127.0.0.1:{}", server.port())).await;
    assert!(found.starts_with("Redis ") || found.starts_with("Valkey "), "{found}");
}

#[tokio::test]
async fn the_version_is_known_on_rabbitmq() {
    let server = RabbitMq::start();
    let found = version(&format!("amqp://guest:secret@127.0.0.1:{}/%2f", server.server().port())).await;
    assert!(found.starts_with("RabbitMQ "), "{found}");
}

#[tokio::test]
async fn the_version_is_known_on_beanstalkd() {
    let server = Server::start(Launch::beanstalkd());
    let found = version(&format!("beanstalk://127.0.0.1:{}", server.port())).await;
    assert!(found.starts_with("beanstalkd "), "{found}");
}
