//! How to tell that a process is ready.

use std::{net::SocketAddr, time::Duration};

use rustix::process::{Pid, getpgid};
use skyloom::{
    Channel, Connection, Guid,
    registry::{Filter, Snapshot},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};

/// How often to look again; a cluster should be ready within 2 s of its start.
const AGAIN: Duration = Duration::from_millis(20);

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(2);

/// What tells that a process is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// It is the broker, and answers.
    Broker,
    /// It keeps the registry, and answers.
    Registry,
    /// The registry lists an instance with its process id.
    Registered,
    /// It answers `GET /readyz` here with 200.
    Http(SocketAddr),
}

/// The cluster's broker, once it is there.
pub(super) type Brokers = watch::Receiver<Option<Connection>>;

impl Probe {
    /// Resolves when the process of this id is ready.
    pub(super) async fn ready(self, pid: Pid, brokers: &mut Brokers) {
        match self {
            Self::Broker => answers(brokers).await,
            Self::Registry => tells(brokers).await,
            Self::Registered => registered(pid, brokers).await,
            Self::Http(address) => {
                while !matches!(timeout(LOOK, is_ready(address)).await, Ok(Ok(true))) {
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Whether it asks the cluster's broker, which may be another process than the one that is asked about.
    pub(super) fn is_of_a_broker(self) -> bool {
        matches!(self, Self::Broker | Self::Registry)
    }

    /// What has to come about so that a process is ready, for people.
    pub(super) fn wants(self) -> String {
        match self {
            Self::Broker | Self::Registry => "it answers".to_owned(),
            Self::Registered => "the cluster's broker lists it as an instance of a service".to_owned(),
            Self::Http(address) => format!("it answers GET http://{address}/readyz with 200"),
        }
    }
}

async fn connected(brokers: &mut Brokers) -> Option<Connection> {
    // An error means that the cluster is being taken down; then nobody waits for this.
    brokers.wait_for(Option::is_some).await.ok()?.clone()
}

/// After a restart the connection is there already, and mends itself while it waits.
async fn answers(brokers: &mut Brokers) {
    let Some(connection) = connected(brokers).await else { return };
    let nobody = Channel::Instance(Guid::default());
    while !matches!(timeout(LOOK, connection.broker.depth(&nobody)).await, Ok(Ok(_))) {
        sleep(AGAIN).await;
    }
}

async fn tells(brokers: &mut Brokers) {
    let Some(connection) = connected(brokers).await else { return };
    while !matches!(timeout(LOOK, connection.registry.list(&Filter::default())).await, Ok(Ok(_))) {
        sleep(AGAIN).await;
    }
}

async fn registered(pid: Pid, brokers: &mut Brokers) {
    let Some(connection) = connected(brokers).await else { return };
    loop {
        if let Ok(mut watch) = connection.registry.watch().await
            && watch.wait_for(|snapshot| lists(snapshot, pid)).await.is_ok()
        {
            return;
        }
        sleep(AGAIN).await;
    }
}

/// Whether the process, or one that it started in its process group, is an instance. A command may
/// be a script that starts the service.
fn lists(snapshot: &Snapshot, pid: Pid) -> bool {
    let instances = || snapshot.instances.values().filter_map(|found| Pid::from_raw(i32::try_from(found.pid).ok()?));
    instances().any(|found| found == pid)
        || instances().any(|found| getpgid(Some(found)).is_ok_and(|group| group == pid))
}

async fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(&status == b"HTTP/1.1 200")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom::registry::Instance;

    use super::*;

    #[test]
    fn an_instance_is_known_by_its_process() {
        let own = std::process::id();
        let instance = |pid| Instance {
            id: Guid::private(),
            services: Vec::new(),
            host: String::new(),
            region: String::new(),
            pid,
            started: 0,
        };
        let mut snapshot = Snapshot::default();
        let found = instance(own);
        snapshot.instances.insert(found.id, Arc::new(found));
        let pid = |raw| Pid::from_raw(raw).unwrap();
        assert!(lists(&snapshot, pid(own.cast_signed())));
        assert!(lists(&snapshot, getpgid(None).unwrap()), "the leader of the group started the instance");
        assert!(!lists(&snapshot, pid(i32::MAX)));
    }

    #[tokio::test]
    async fn a_gateway_is_ready_when_it_says_so() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for status in ["503 Service Unavailable", "200 OK"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 256];
                let read = stream.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        assert!(!is_ready(address).await.unwrap());
        assert!(is_ready(address).await.unwrap());
    }
}
