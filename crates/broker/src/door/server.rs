//! [`Door`] itself.

use std::{
    fmt,
    future::{Future, poll_fn},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use skyloom_core::Guid;
use tokio::{
    task::{JoinError, JoinSet},
    time::{self, Instant},
};

use super::{
    Address, DoorError, DoorOptions, connection,
    encoded::Encoded,
    hub::Hub,
    listener::{Accepted, Inherited, Listener},
    options::SnapshotPlace,
    shortage::Shortage,
    snapshot::{self, Snapshot},
    ticker,
};
use crate::engine::Engine;

/// How long the clients have to say goodbye at a planned stop.
const BYE_TIME: Duration = Duration::from_millis(500);

/// How long the connections have after that to write out what is waiting and to close: twice what
/// one of them takes at most.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Connections that have not said hello yet, beside the engine's own limit.
const SPARE_CONNECTIONS: usize = 256;

/// The embedded broker, listening on an address.
#[must_use = "a door serves nobody until it runs"]
pub struct Door {
    listener: Listener,
    address: Address,
    hub: Arc<Hub>,
    snapshot: Option<PathBuf>,
}

impl Door {
    /// Listens on an address, with the state that the last planned stop has kept.
    ///
    /// A Unix socket has mode 0600; its directory is created if it is missing, and a socket that a
    /// broker left behind is replaced.
    ///
    /// # Errors
    /// [`DoorError`] if the address cannot be used or somebody listens there already.
    pub async fn bind(address: Address, options: DoorOptions) -> Result<Self, DoorError> {
        Self::behind(Listener::bind(address).await?, options)
    }

    /// The same on a socket that listens already and stays open for the next process.
    ///
    /// # Errors
    /// [`DoorError`] if the socket is no use, or if others than its owner and its group can reach it.
    pub fn take_over(socket: Inherited, options: DoorOptions) -> Result<Self, DoorError> {
        Self::behind(Listener::inherit(socket)?, options)
    }

    fn behind((listener, address): (Listener, Address), options: DoorOptions) -> Result<Self, DoorError> {
        let snapshot = options.snapshot.path(&address);
        if let SnapshotPlace::File(path) = &options.snapshot {
            snapshot::try_out(path).map_err(|source| DoorError::SnapshotPlace { path: path.clone(), source })?;
        }
        let kept = snapshot.as_deref().and_then(snapshot::take);
        let hub = Arc::new(open(kept, listener.replaces_another(), options));
        Ok(Self { hub, listener, address, snapshot })
    }

    /// Where it listens. With port 0, the operating system has chosen one.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The engine behind it, for other doors to the same one.
    pub(crate) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    /// Serves until `shutdown` ends, then stops as planned: asks the clients to go, keeps what is
    /// waiting for the next start, and removes the socket. Dropping the future instead is as good as
    /// killing the broker.
    ///
    /// # Errors
    /// [`DoorError::Snapshot`] if what was waiting could not be kept.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), DoorError> {
        tracing::info!(address = %self.address, "the broker is listening");
        let mut connections = JoinSet::new();
        let mut shortage = Shortage::default();
        let mut shutdown = pin!(shutdown);
        let mut ticker = pin!(ticker::run(&self.hub));
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                stream = self.listener.accept(&mut shortage) => admit(&self.hub, &mut connections, stream),
                Some(ended) = connections.join_next() => report(ended),
                () = &mut ticker => {}
            }
        }
        tracing::info!(address = %self.address, clients = connections.len(), "the broker is stopping");
        self.hub.go_away("the broker is stopping");
        tokio::select! {
            () = self.goodbyes() => {}
            () = &mut ticker => {}
        }
        let result = self.keep();
        close(connections).await;
        tracing::info!(address = %self.address, "the broker has stopped");
        result
    }

    /// Waits for the goodbyes. Of who has not said his in time nothing is taken any more that he sends, and he notices: his
    /// calls would else be lost without a word.
    async fn goodbyes(&self) {
        let all_gone = || time::timeout(BYE_TIME, poll_fn(|cx| self.hub.poll_all_gone(cx.waker())));
        if all_gone().await.is_err() {
            tracing::warn!("not every client said goodbye in time");
            self.hub.hear_out();
            // They only take what is there.
            drop(all_gone().await);
        }
    }

    /// Keeps what the next start is to take up, and lets the connections write out the rest.
    fn keep(&self) -> Result<(), DoorError> {
        let state = self.hub.export();
        let Some(path) = self.snapshot.as_deref().filter(|_| !state.is_empty()) else {
            return Ok(());
        };
        snapshot::save(path, self.hub.epoch, &state)
            .map_err(|source| DoorError::Snapshot { path: path.to_owned(), source })?;
        tracing::info!(path = %path.display(), "what is waiting was kept for the next start");
        Ok(())
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("address", &self.address).finish_non_exhaustive()
    }
}

fn admit(hub: &Arc<Hub>, connections: &mut JoinSet<()>, stream: Accepted) {
    if connections.len() >= hub.limits.connections.saturating_add(SPARE_CONNECTIONS) {
        return tracing::warn!("a connection was closed: there are too many");
    }
    let hub = Arc::clone(hub);
    match stream {
        Accepted::Unix(stream, process) => {
            let from = process.map_or_else(|| "unknown process".to_owned(), |pid| format!("process {pid}"));
            connections.spawn(connection::serve(hub, stream, from));
        }
        Accepted::Tcp(stream) => {
            let from = stream.peer_addr().map_or_else(|_| "unknown address".to_owned(), |from| from.to_string());
            connections.spawn(connection::serve(hub, stream, from));
        }
    }
}

fn open(kept: Option<Snapshot>, replaces_another: bool, options: DoorOptions) -> Hub {
    let DoorOptions { limits, outgoing_bytes, .. } = options;
    match kept {
        None => {
            // A state in the place of one that is lost says since when.
            let epoch = if replaces_another { Guid::call() } else { Guid::private() };
            Hub::new(Engine::new(limits).weighing(weight), Duration::ZERO, epoch, limits, outgoing_bytes)
        }
        Some(Snapshot { epoch, age, state }) => {
            tracing::info!(age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX), "taking up what was kept");
            // The engine resumes at the moment of the stop, and then learns how late it is.
            let engine = Engine::import(limits, Duration::ZERO, state).weighing(weight);
            let hub = Hub::new(engine, age, epoch, limits, outgoing_bytes);
            hub.wind();
            hub
        }
    }
}

/// What a reply weighs that is kept for a client.
fn weight(body: &Encoded) -> usize {
    body.bytes().len()
}

/// Waits until every connection is closed, and ends those that are not in time.
async fn close(mut connections: JoinSet<()>) {
    let deadline = Instant::now() + CLOSE_TIME;
    while let Ok(Some(ended)) = time::timeout_at(deadline, connections.join_next()).await {
        report(ended);
    }
}

/// A connection's task only panics by a mistake of ours; the others go on.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task has failed");
    }
}
