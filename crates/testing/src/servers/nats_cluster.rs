//! [`NatsCluster`]: three servers that are one.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    thread::sleep,
    time::Duration,
};

use tokio::time::Instant;

use super::{Server, free_port, nats_plain};

/// How long a server may take to have caught up with the others, however slow the machine.
const CATCHING_UP: Duration = Duration::from_secs(120);

/// Three nats-servers that are one cluster, with JetStream.
#[derive(Debug)]
pub struct NatsCluster {
    servers: [Server; 3],
    /// Where each says how it is.
    monitors: [u16; 3],
}

impl NatsCluster {
    /// Starts them. They may still be electing their leaders.
    ///
    /// # Panics
    /// If nats-server is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        let (ports, monitors) = ([(); 3].map(|()| free_port()), [(); 3].map(|()| free_port()));
        let routes = ports.map(|port| format!("\"nats://127.0.0.1:{port}\"")).join(", ");
        let mut places = ports.into_iter().zip(monitors);
        let servers = [(); 3].map(|()| {
            let (port, monitor) = places.next().expect("there are three");
            nats_plain(&format!(
                "server_name: \"n{port}\"\njetstream {{ store_dir: \"store\" }}\nhttp: \"127.0.0.1:{monitor}\"\n\
                 cluster {{ name: \"three\", listen: \"127.0.0.1:{port}\", routes: [{routes}] }}"
            ))
        });
        Self { servers, monitors }
    }

    /// Their URL, with these options.
    #[must_use]
    pub fn url(&self, options: &str) -> String {
        let hosts = self.servers.each_ref().map(|server| format!("127.0.0.1:{}", server.port()));
        format!("nats://{}?{options}", hosts.join(","))
    }

    /// One of them, to do harm to.
    pub fn server_mut(&mut self, place: usize) -> &mut Server {
        &mut self.servers[place]
    }

    /// Waits until each is well by its own word: it knows a leader, and has what it keeps of every stream and consumer. Before
    /// that, one that was away is still missing, and a second that fails is one too many.
    ///
    /// # Panics
    /// If one is not in time, with what it says.
    pub fn await_health(&self) {
        let began = Instant::now();
        for (monitor, server) in self.monitors.iter().zip(&self.servers) {
            loop {
                let said = health(*monitor).unwrap_or_else(|error| error.to_string());
                if said.contains("\"status\":\"ok\"") || said.contains("\"status\": \"ok\"") {
                    break;
                }
                assert!(began.elapsed() < CATCHING_UP, "it is not well: {said}\n{}", server.log());
                sleep(Duration::from_millis(50));
            }
        }
    }
}

fn health(monitor: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, monitor))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}
