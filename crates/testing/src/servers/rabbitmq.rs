//! RabbitMQ, with the users, virtual hosts and certificates that its tests need.

use std::{fs, path::Path, process::Command};

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

/// A RabbitMQ node of its own: name, ports, directories and port mapper are nobody else's.
#[derive(Debug)]
pub struct RabbitMq {
    server: Server,
    tls_port: u16,
    environment: Vec<(&'static str, String)>,
}

impl RabbitMq {
    /// Starts it.
    ///
    /// # Panics
    /// If RabbitMQ or openssl is not installed, or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        let installed = Path::new(PROGRAM).is_file();
        let launch = Launch::new(if installed { PROGRAM } else { "rabbitmq-server" });
        let (directory, tls_port) = (launch.directory().to_owned(), free_port());
        certify(&directory);
        let home = directory.to_str().expect("its path is UTF-8").to_owned();
        write(&directory, "definitions.json", DEFINITIONS);
        write(&directory, "plugins", "[].\n");
        write(&directory, "environment", "");
        let port = launch.port();
        let configuration = format!(
            "listeners.tcp.default = 127.0.0.1:{port}\nlisteners.ssl.default = 127.0.0.1:{tls_port}\n\
             ssl_options.cacertfile = {home}/ca.pem\nssl_options.certfile = {home}/server.pem\n\
             ssl_options.keyfile = {home}/server.key\nload_definitions = {home}/definitions.json\n\
             loopback_users = none\nlog.console.level = warning\n"
        );
        write(&directory, "rabbitmq.conf", &configuration);
        let environment = vec![
            ("HOME", home.clone()),
            ("ERL_EPMD_PORT", free_port().to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", format!("skyloom-{port}@localhost")),
            ("RABBITMQ_NODE_PORT", port.to_string()),
            ("RABBITMQ_DIST_PORT", free_port().to_string()),
            ("RABBITMQ_CONFIG_FILE", format!("{home}/rabbitmq")),
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
        let mapper = environment.iter().find(|(name, _)| *name == "ERL_EPMD_PORT").map_or("", |(_, port)| port);
        let at_end = format!("for i in 1 2 3 4 5 6 7 8 9; do epmd -port {mapper} -kill && break; sleep 0.2; done");
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

    /// Runs `rabbitmqctl` with these arguments.
    ///
    /// # Panics
    /// If it fails.
    pub fn control(&self, arguments: &[&str]) {
        let installed = Path::new(PROGRAM).with_file_name("rabbitmqctl");
        let program = if installed.is_file() { installed } else { "rabbitmqctl".into() };
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        let output = Command::new(program).args(arguments).envs(environment).output().expect("rabbitmqctl runs");
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {output:?}");
    }
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
