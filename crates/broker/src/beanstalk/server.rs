//! [`BeanstalkDoor`] itself.

use std::{
    fmt,
    future::{Future, pending},
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{self, Instant},
};

use super::{connection, figures::Figures};
use crate::door::{Accepted, Address, Door, DoorError, Hub, Inherited, Listener, Shortage};

/// The largest job by default, as beanstalkd's.
pub const JOB_BYTES: u32 = 65_535;

/// The largest job that can be allowed, as beanstalkd's.
pub const JOB_BYTES_MAX: u32 = 1 << 30;

/// How many channels an engine should allow whose tubes come and go as beanstalkd's do.
pub const TUBES: usize = 1_000_000;

/// How long the connections may take to close at a planned stop.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// What the door may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeanstalkOptions {
    /// The largest job in bytes, at most [`JOB_BYTES_MAX`].
    pub job_bytes: u32,
}

impl Default for BeanstalkOptions {
    fn default() -> Self {
        Self { job_bytes: JOB_BYTES }
    }
}

/// A second door to the engine of a [`Door`], for clients of beanstalkd.
#[must_use = "a door serves nobody until it runs"]
pub struct BeanstalkDoor {
    listener: Listener,
    address: Address,
    hub: Arc<Hub>,
    figures: Arc<Figures>,
}

impl BeanstalkDoor {
    /// Listens on an address, in front of the same engine as `door`.
    ///
    /// # Errors
    /// [`DoorError`] if the address cannot be used or somebody listens there already.
    pub async fn bind(address: Address, options: BeanstalkOptions, door: &Door) -> Result<Self, DoorError> {
        Ok(Self::behind(Listener::bind(address).await?, options, door))
    }

    /// The same on a socket that listens already and stays open for the next process.
    ///
    /// # Errors
    /// [`DoorError`] if the socket is no use, or if others than its owner can reach it.
    pub fn take_over(socket: Inherited, options: BeanstalkOptions, door: &Door) -> Result<Self, DoorError> {
        Ok(Self::behind(Listener::inherit(socket)?, options, door))
    }

    fn behind((listener, address): (Listener, Address), options: BeanstalkOptions, door: &Door) -> Self {
        let figures = Arc::new(Figures::new(options.job_bytes.min(JOB_BYTES_MAX)));
        Self { listener, address, hub: door.hub(), figures }
    }

    /// Where it listens. With port 0, the operating system has chosen one.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Runs both doors until `shutdown` ends; then closes this one, which gives back what its
    /// clients have reserved, and stops the other as planned. After `drain` has ended, no more jobs are
    /// taken in through this door.
    ///
    /// # Errors
    /// As [`Door::run`].
    pub async fn run_beside(
        mut self,
        door: Door,
        drain: impl Future<Output = ()>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), DoorError> {
        let (closed, told) = oneshot::channel();
        let both = async {
            self.serve(drain, shutdown).await;
            // The other door waits for it, unless it has ended.
            drop(closed);
        };
        let door = door.run(async {
            // An error says that the sender is gone, which is what is awaited.
            drop(told.await as Result<(), _>);
        });
        let (result, ()) = tokio::join!(door, both);
        result
    }

    async fn serve(&mut self, drain: impl Future<Output = ()>, shutdown: impl Future<Output = ()>) {
        tracing::info!(address = %self.address, "the broker is listening for clients of beanstalkd");
        let mut connections = JoinSet::new();
        let mut shortage = Shortage::default();
        let mut shutdown = pin!(shutdown);
        let figures = Arc::clone(&self.figures);
        let mut drain = pin!(async {
            drain.await;
            figures.draining.store(true, Relaxed);
            tracing::info!("no more jobs are taken in from clients of beanstalkd");
            pending::<()>().await;
        });
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = &mut drain => {}
                stream = self.listener.accept(&mut shortage) => admit(&self.hub, &self.figures, &mut connections, stream),
                Some(_) = connections.join_next() => {}
            }
        }
        self.hub.finish_voices();
        let deadline = Instant::now() + CLOSE_TIME;
        while let Ok(Some(_)) = time::timeout_at(deadline, connections.join_next()).await {}
        connections.shutdown().await;
    }
}

impl fmt::Debug for BeanstalkDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeanstalkDoor").field("address", &self.address).finish_non_exhaustive()
    }
}

fn admit(hub: &Arc<Hub>, figures: &Arc<Figures>, connections: &mut JoinSet<()>, stream: Accepted) {
    let (hub, figures) = (Arc::clone(hub), Arc::clone(figures));
    match stream {
        Accepted::Unix(stream, _) => drop(connections.spawn(connection::serve(hub, figures, stream))),
        Accepted::Tcp(stream) => drop(connections.spawn(connection::serve(hub, figures, stream))),
    }
}
