//! Redis servers for tests, or others of its protocol: one, one with TLS, and a cluster.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
    thread::sleep,
    time::Duration,
};

use super::{Launch, Server};

/// Names another program with Redis's options that is to be tested against, such as Valkey.
const PROGRAM: &str = "TEST_REDIS";

fn program() -> Launch {
    Launch::new(&std::env::var(PROGRAM).unwrap_or_else(|_| "redis-server".to_owned()))
}

/// What every Redis of a test is started with: loopback only, and no snapshots.
#[must_use]
pub fn redis_launch() -> Launch {
    let launch = program();
    let port = launch.port().to_string();
    launch.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
}

/// A Redis that keeps what it accepts in an append-only file.
#[must_use]
pub fn durable_redis() -> Server {
    Server::start(redis_launch().args(["--appendonly", "yes", "--appendfsync", "always"]))
}

/// A Redis that speaks TLS only, with a certificate of an authority of its own, which is `ca.pem` in its directory.
///
/// # Panics
/// If `openssl` is not installed.
#[must_use]
pub fn tls_redis() -> Server {
    let launch = program();
    make_certificates(launch.directory());
    let port = launch.port().to_string();
    let tls = ["--tls-cert-file", "server.pem", "--tls-key-file", "server.key", "--tls-ca-cert-file", "ca.pem"];
    let clients = ["--tls-auth-clients", "no", "--save", ""];
    Server::start(launch.args(["--port", "0", "--tls-port", &port, "--bind", "127.0.0.1"]).args(tls).args(clients))
}

/// An authority and a certificate for `localhost` and 127.0.0.1 that it has signed.
pub(super) fn make_certificates(directory: &Path) {
    let alternatives = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    fs::write(directory.join("names.cnf"), alternatives).expect("a file can be written");
    let steps = [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=test-authority \
         -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key \
         -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names.cnf \
         -out server.pem",
    ];
    for step in steps {
        let made = Command::new("openssl").args(step.split_whitespace()).current_dir(directory).output();
        let made = made.expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

/// Three masters that share the slots, each with an append-only file. If one is away the others go on.
///
/// # Panics
/// If they do not become a cluster in time.
#[must_use]
pub fn redis_cluster() -> [Server; 3] {
    let servers = [(); 3].map(|()| {
        let cluster = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"];
        let patience = ["--cluster-node-timeout", "2000", "--appendonly", "yes", "--appendfsync", "always"];
        Server::start(redis_launch().args(cluster).args(patience))
    });
    let ports: Vec<u16> = servers.iter().map(Server::port).collect();
    for (server, range) in servers.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
        assert_eq!(redis_command(server, &format!("CLUSTER ADDSLOTSRANGE {range}")), "+OK");
        for port in &ports {
            assert_eq!(redis_command(server, &format!("CLUSTER MEET 127.0.0.1 {port}")), "+OK");
        }
    }
    await_redis_cluster(&servers);
    servers
}

/// Waits until all of a cluster's servers know each other and serve every slot.
///
/// # Panics
/// If they do not in time.
pub fn await_redis_cluster(servers: &[Server; 3]) {
    let is_whole = |server: &Server| redis_command(server, "CLUSTER INFO").contains("cluster_state:ok");
    let knows_all = |server: &Server| {
        let slots = redis_command(server, "CLUSTER SLOTS");
        servers.iter().all(|server| slots.contains(&format!(":{}", server.port())))
    };
    for _ in 0..3_000 {
        if servers.iter().all(|server| is_whole(server) && knows_all(server)) {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("the three do not become a cluster: {}", servers[0].log());
}

/// A replica of the first of a cluster: when that dies, it takes its place.
///
/// # Panics
/// If it does not join the cluster in time.
#[must_use]
pub fn redis_replica(cluster: &[Server; 3]) -> Server {
    let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--appendonly", "yes"];
    let eager = ["--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0"];
    let replica = Server::start(redis_launch().args(settings).args(eager));
    let master = redis_command(&cluster[0], "CLUSTER MYID");
    let master = master.lines().last().unwrap_or_default();
    assert_eq!(redis_command(&replica, &format!("CLUSTER MEET 127.0.0.1 {}", cluster[0].port())), "+OK");
    let is_up = || redis_command(&replica, "INFO replication").contains("master_link_status:up");
    let port = format!(":{}", replica.port());
    let is_known = || cluster.iter().all(|server| redis_command(server, "CLUSTER SLOTS").contains(&port));
    let mut has_joined = false;
    for _ in 0..3_000 {
        // Asked again, it would begin anew.
        has_joined = has_joined || redis_command(&replica, &format!("CLUSTER REPLICATE {master}")) == "+OK";
        if has_joined && is_up() && is_known() {
            return replica;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("it does not become a replica: {}", replica.log());
}

/// What a Redis answers to an inline command, as it is on the wire, without the last line's end.
///
/// # Panics
/// If it does not answer.
#[must_use]
pub fn redis_command(server: &Server, command: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the server accepts connections");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time can be set");
    write!(stream, "{command}\r\nQUIT\r\n").expect("the server reads");
    let mut lines: Vec<String> = BufReader::new(stream).lines().map_while(Result::ok).collect();
    // The answer to QUIT.
    lines.pop();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_masters_are_a_cluster() {
        let servers = redis_cluster();
        let answers = servers.each_ref().map(|server| redis_command(server, "SET {a}key value"));
        assert_eq!(answers.iter().filter(|answer| *answer == "+OK").count(), 1, "{answers:?}");
        assert!(answers.iter().filter(|answer| answer.starts_with("-MOVED")).count() == 2, "{answers:?}");
    }
}
