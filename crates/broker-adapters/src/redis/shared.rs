//! [`Shared`]: what the handles and the tasks of one broker share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ::redis::{Cmd, Value, cmd};
use skyloom_core::{
    BusyPoll, Guid,
    broker::{BrokerError, ReplySink},
};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use super::{
    leases::Table,
    names::{Names, Place},
    nodes::Nodes,
    op::{Op, Then, What},
};

/// How long a question waits for a server that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the handles and the tasks of one broker share.
pub(super) struct Shared {
    pub(super) nodes: Arc<Nodes>,
    pub(super) names: Arc<Names>,
    pub(super) table: Arc<Table>,
    pub(super) sinks: Mutex<HashMap<Guid, Arc<dyn ReplySink>, foldhash::fast::RandomState>>,
    /// Consumers and inboxes that have not ended.
    pub(super) tasks: watch::Sender<usize>,
    consumers: AtomicU32,
    pub(super) busy_poll: BusyPoll,
}

impl Shared {
    pub(super) fn new(nodes: Arc<Nodes>) -> Arc<Self> {
        let names = Arc::new(Names::new(&nodes.options.limits.prefix));
        Arc::new(Self {
            table: Table::new(Arc::clone(&nodes), Arc::clone(&names)),
            nodes,
            names,
            sinks: Mutex::default(),
            tasks: watch::Sender::new(0),
            consumers: AtomicU32::new(0),
            busy_poll: BusyPoll::default(),
        })
    }

    /// A number for a consumer, unique in this process.
    pub(super) fn next_consumer(&self) -> u32 {
        self.consumers.fetch_add(1, Ordering::Relaxed)
    }

    /// The sink of an inbox of this process.
    pub(super) fn sink(&self, inbox: Guid) -> Option<Arc<dyn ReplySink>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).get(&inbox).cloned()
    }

    /// Asks the server that has this place, twice if need be.
    pub(super) async fn ask(&self, place: &Arc<Place>, command: Cmd) -> Result<Value, BrokerError> {
        self.ask_as(place, command, true).await
    }

    /// Has the server that has this place do what must not be done twice.
    pub(super) async fn ask_once(&self, place: &Arc<Place>, command: Cmd) -> Result<Value, BrokerError> {
        self.ask_as(place, command, false).await
    }

    async fn ask_as(&self, place: &Arc<Place>, command: Cmd, may_be_repeated: bool) -> Result<Value, BrokerError> {
        let (sender, answer) = oneshot::channel();
        let what = What::Ask { command: Box::new(command), may_be_repeated };
        let op = Op::new(Arc::clone(place), what, Then::Answer(sender)).until(Some(Instant::now() + PATIENCE));
        self.nodes.submit(op);
        answer.await.unwrap_or_else(|_| Err(BrokerError::unavailable("the connection is closed")))
    }

    /// Tells the server that has this place, and nobody waits for it.
    pub(super) fn tell(&self, place: &Arc<Place>, command: Cmd) {
        let what = What::Ask { command: Box::new(command), may_be_repeated: true };
        let op = Op::new(Arc::clone(place), what, Then::Nobody).until(Some(Instant::now() + PATIENCE));
        self.nodes.submit(op);
    }

    /// Adds a channel to those that an operator sees, once. Instances come and go and are not among them.
    pub(super) fn list(&self, channel: &Place) {
        if channel.is_listed.load(Ordering::Relaxed) || channel.is_listed.swap(true, Ordering::Relaxed) {
            return;
        }
        let place = Arc::new(self.names.channels());
        let mut add = cmd("SADD");
        add.arg(&place.base).arg(&channel.shown);
        self.tell(&place, add);
    }

    /// Counts a task until the guard is dropped.
    pub(super) fn task(self: &Arc<Self>) -> Task {
        self.tasks.send_modify(|tasks| *tasks += 1);
        Task(Arc::clone(self))
    }
}

/// A consumer or an inbox that has not ended.
pub(super) struct Task(pub(super) Arc<Shared>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.tasks.send_modify(|tasks| *tasks = tasks.saturating_sub(1));
    }
}
