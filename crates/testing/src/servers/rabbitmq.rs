//! RabbitMQ, with the users, virtual hosts and certificates that its tests need.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    thread,
    time::Duration,
};

use tokio::time::Instant;

use super::{Launch, Server, free_port};

/// What the server knows from its start. Both users' password is `secret`: `guest` may do anything on the first
/// virtual host, `watcher` may see it and change nothing.
const DEFINITIONS: &str = r#"{
  "vhosts": [{"name": "/"}, {"name": "closed"}],
  "users": [
    {"name": "guest", "password_hash": "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz", "tags": "administrator"},
    {"name": "watcher", "password_hash": "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz", "tags": ""}
  ],
  "permissions": [
    {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "watcher", "vhost": "/", "configure": "^$", "write": "^$", "read": ".*"}
  ]
}"#;

/// Where Debian has the program itself; what is on the `PATH` there only runs as root or as its own user.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// How long a node may take to have caught up with the others, however slow the machine.
const CATCHING_UP: Duration = Duration::from_secs(120);

/// A RabbitMQ node of its own: name, ports, directories and port mapper are nobody else's.
#[derive(Debug)]
pub struct RabbitMq {
    server: Server,
    tls_port: u16,
    environment: Vec<(&'static str, String)>,
}

/// What makes nodes one cluster: their names, the secret that they share, and the mapper that finds their ports.
struct Peers {
    names: Vec<String>,
    mapper: u16,
}

/// What a node of a cluster does sooner than by default, in ways that all versions read: those before 4.3 know nothing
/// of it.
const ADVANCED: &str = "[{rabbit, [{consumer_disconnected_timeout, 5000}]}].\n";

impl RabbitMq {
    /// Starts it.
    ///
    /// # Panics
    /// If RabbitMQ or openssl is not installed, or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::node(launch(), &Peers { names: Vec::new(), mapper: free_port() })
    }

    /// Starts three that are one cluster.
    ///
    /// # Panics
    /// As [`RabbitMq::start`], and if they do not become one cluster.
    #[must_use]
    pub fn cluster() -> [Self; 3] {
        let launches = [launch(), launch(), launch()];
        let names = launches.iter().map(|launch| name(launch.port())).collect();
        let peers = Peers { names, mapper: free_port() };
        // At once: each waits for the others for a while.
        let nodes = thread::scope(|scope| {
            let starting = launches.map(|launch| scope.spawn(|| Self::node(launch, &peers)));
            starting.map(|node| node.join().expect("each node starts"))
        });
        for node in &nodes {
            let status = node.control(&["cluster_status", "--formatter", "json"]);
            let running = status.split("\"running_nodes\":").nth(1).and_then(|rest| rest.split(']').next());
            let running = running.unwrap_or_default();
            assert!(peers.names.iter().all(|name| running.contains(name.as_str())), "they are one cluster: {status}");
        }
        nodes
    }

    fn node(launch: Launch, peers: &Peers) -> Self {
        let (directory, tls_port) = (launch.directory().to_owned(), free_port());
        certify(&directory);
        let home = directory.to_str().expect("its path is UTF-8").to_owned();
        write(&directory, "definitions.json", DEFINITIONS);
        write(&directory, "plugins", "[].\n");
        write(&directory, "environment", "");
        write(&directory, "advanced.config", ADVANCED);
        let secret = format!("secret{}", peers.mapper);
        write(&directory, ".erlang.cookie", &secret);
        let only_ours = fs::Permissions::from_mode(0o400);
        fs::set_permissions(directory.join(".erlang.cookie"), only_ours).expect("it can be kept from others");
        let port = launch.port();
        let configuration = format!(
            "listeners.tcp.default = 127.0.0.1:{port}\nlisteners.ssl.default = 127.0.0.1:{tls_port}\n\
             ssl_options.cacertfile = {home}/ca.pem\nssl_options.certfile = {home}/server.pem\n\
             ssl_options.keyfile = {home}/server.key\nload_definitions = {home}/definitions.json\n\
             loopback_users = none\nlog.console.level = warning\n{}",
            formation(&peers.names)
        );
        write(&directory, "rabbitmq.conf", &configuration);
        let environment = vec![
            ("HOME", home.clone()),
            ("ERL_EPMD_PORT", peers.mapper.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", name(port)),
            ("RABBITMQ_NODE_PORT", port.to_string()),
            ("RABBITMQ_DIST_PORT", free_port().to_string()),
            ("RABBITMQ_CONFIG_FILE", format!("{home}/rabbitmq")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", format!("{home}/advanced.config")),
            ("RABBITMQ_CONF_ENV_FILE", format!("{home}/environment")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", format!("{home}/plugins")),
            ("RABBITMQ_MNESIA_BASE", format!("{home}/data")),
            ("RABBITMQ_LOG_BASE", format!("{home}/log")),
            ("RABBITMQ_LOGS", "-".to_owned()),
            ("RABBITMQ_PID_FILE", format!("{home}/pid")),
            // It is then the process itself, and no shell that waits for it.
            ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
            // It does not spin while it waits: tests share the machine.
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none".to_owned()),
        ];
        // The mapper refuses to end as long as it knows a node.
        let at_end =
            format!("for i in 1 2 3 4 5 6 7 8 9; do epmd -port {} -kill && break; sleep 0.2; done", peers.mapper);
        let launch = environment.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        let server = Server::start(launch.at_end(at_end));
        Self { server, tls_port, environment }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The server, to be killed and restarted.
    pub fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// Its port for TLS.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The file of the authority that has signed its certificate, which is for `localhost`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.server.directory().join("ca.pem").to_str().expect("its path is UTF-8").to_owned()
    }

    /// Runs `rabbitmqctl` with these arguments; returns what it says.
    ///
    /// # Panics
    /// If it fails.
    pub fn control(&self, arguments: &[&str]) -> String {
        let output = self.tool("rabbitmqctl", arguments);
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until this node of a cluster may fail: every quorum queue has a majority without it. One that was away is
    /// missing for a while after it is back, and a second that fails is then one too many.
    ///
    /// # Panics
    /// If it is not so in time, with what `rabbitmq-queues` says.
    pub fn await_majorities_without(&self) {
        let began = Instant::now();
        loop {
            let output = self.tool("rabbitmq-queues", &["check_if_node_is_quorum_critical"]);
            if output.status.success() {
                return;
            }
            assert!(began.elapsed() < CATCHING_UP, "the other nodes are not well: {output:?}");
        }
    }

    fn tool(&self, name: &str, arguments: &[&str]) -> Output {
        let installed = Path::new(PROGRAM).with_file_name(name);
        let program = if installed.is_file() { installed } else { name.into() };
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        let output = Command::new(program).args(arguments).envs(environment).output();
        output.unwrap_or_else(|error| panic!("{name} does not run: {error}"))
    }
}

fn launch() -> Launch {
    let installed = Path::new(PROGRAM).is_file();
    Launch::new(if installed { PROGRAM } else { "rabbitmq-server" })
}

/// What a node on this port is called.
fn name(port: u16) -> String {
    format!("skyloom-{port}@localhost")
}

/// The lines of a configuration by which a node finds the others.
fn formation(names: &[String]) -> String {
    let backend = (!names.is_empty()).then(|| "cluster_formation.peer_discovery_backend = classic_config\n".to_owned());
    let nodes = names.iter().enumerate();
    let nodes = nodes.map(|(n, name)| format!("cluster_formation.classic_config.nodes.{} = {name}\n", n + 1));
    backend.into_iter().chain(nodes).collect()
}

fn write(directory: &Path, name: &str, text: &str) {
    fs::write(directory.join(name), text).expect("a file can be written");
}

/// Makes an authority and a certificate for `localhost`.
fn certify(directory: &Path) {
    const STEPS: &str = "
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > server.ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem
    ";
    let output = Command::new("sh").args(["-ec", STEPS]).current_dir(directory).output().expect("a shell runs");
    assert!(output.status.success(), "openssl is needed for certificates: {output:?}");
}
