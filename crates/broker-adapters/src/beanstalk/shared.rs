//! What the handles and the tasks of one broker share.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use skyloom_core::{
    Guid,
    broker::{BrokerError, ReplySink},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    codec::{Command, Reply},
    op::{Body, Done, Op, Put},
    options::Options,
    pipe::Facts,
};
use crate::remote::Load;

/// How many messages wait for a connection, at most, and how many bytes.
const WAITING: usize = 65_536;
const WAITING_BYTES: usize = 64 << 20;

type Inboxes = HashMap<Guid, Arc<dyn ReplySink>, foldhash::fast::RandomState>;

/// What the handles and the tasks of one broker share.
pub(super) struct Shared {
    pub(super) options: Options,
    /// As the server was when the connection was last made.
    facts: Mutex<Facts>,
    ops: mpsc::UnboundedSender<Op>,
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
    inboxes: Mutex<Inboxes>,
    pub(super) load: Mutex<Load>,
    closed: AtomicBool,
    /// Consumers and inboxes end.
    closing: watch::Sender<bool>,
    /// The connection that never waits ends, after them.
    ending: watch::Sender<bool>,
    runtime: Handle,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Locks what cannot be left in disorder by a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn closed() -> BrokerError {
    BrokerError::unavailable("the connection to beanstalkd was closed here")
}

impl Shared {
    pub(super) fn new(options: Options, facts: Facts, ops: mpsc::UnboundedSender<Op>) -> Self {
        Self {
            options,
            facts: Mutex::new(facts),
            ops,
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            inboxes: Mutex::default(),
            load: Mutex::default(),
            closed: AtomicBool::new(false),
            closing: watch::Sender::new(false),
            ending: watch::Sender::new(false),
            runtime: Handle::current(),
            tasks: Mutex::default(),
        }
    }

    /// Runs the task of the connection that never waits.
    pub(super) fn spawn_sender(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(task));
    }

    /// Runs a task until it ends by itself, which it does once the broker is closed.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.runtime.spawn(task);
        let mut tasks = lock(&self.tasks);
        tasks.retain(|task| !task.is_finished());
        tasks.push(handle);
    }

    pub(super) fn take_tasks(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut lock(&self.tasks))
    }

    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Nothing more is accepted. `false` if that was so already.
    pub(super) fn refuse_more(&self) -> bool {
        !self.closed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }

    /// Ends the tasks; what was settled is written out first.
    pub(super) fn end_tasks(&self) {
        self.closing.send_replace(true);
    }

    /// Ends the connection that never waits.
    pub(super) fn end_sender(&self) {
        self.ending.send_replace(true);
    }

    pub(super) fn facts(&self) -> Facts {
        lock(&self.facts).clone()
    }

    pub(super) fn set_facts(&self, facts: Facts) {
        *lock(&self.facts) = facts;
    }

    pub(super) fn largest_job(&self) -> usize {
        lock(&self.facts).max_job
    }

    /// Sends something, or says at once why not.
    pub(super) fn put(&self, put: Put) -> Result<(), BrokerError> {
        if self.is_closed() {
            return Err(closed());
        }
        let bytes = put.weight();
        let full = self.waiting.load(Ordering::Relaxed) >= WAITING
            || self.waiting_bytes.load(Ordering::Relaxed) + bytes > WAITING_BYTES.max(bytes);
        if full {
            let what = "what waits for the connection to beanstalkd".to_owned();
            return Err(BrokerError::Full { what, limit: format!("{WAITING} messages or {WAITING_BYTES} bytes") });
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.ops.send(Op::Put(put)).map_err(|_| closed())
    }

    /// A message waits no longer.
    pub(super) fn taken(&self, put: &Put) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.waiting_bytes.fetch_sub(put.weight(), Ordering::Relaxed);
    }

    /// A message that could not be sent waits for the next connection.
    pub(super) fn waits_again(&self, put: &Put) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.waiting_bytes.fetch_add(put.weight(), Ordering::Relaxed);
    }

    /// Puts bytes into a tube; the job's id when that is done.
    pub(super) async fn put_bytes(&self, tube: String, priority: u32, body: Bytes) -> Result<u64, BrokerError> {
        let (sender, id) = oneshot::channel();
        let body = Body::Bytes(body);
        self.put(Put { tube, priority, delay: 0, body, done: Done::Id(sender), bounded: false })?;
        id.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends somebody's wait for a job in this tube of his, also while the broker is being closed.
    pub(super) fn wake(&self, tube: &str) {
        let (tube, body) = (tube.to_owned(), Body::Bytes(Bytes::new()));
        let put = Put { tube, priority: 0, delay: 0, body, done: Done::Nobody, bounded: false };
        self.waits_again(&put);
        // If the connection is gone, nobody has to be woken.
        drop(self.ops.send(Op::Put(put)));
    }

    /// Sends a command; the answer comes in its turn.
    pub(super) fn ask(&self, uses: Option<String>, command: Command<'_>) -> oneshot::Receiver<super::op::Answer> {
        let mut encoded = BytesMut::new();
        command.encode(&mut encoded);
        let (answer, receiver) = oneshot::channel();
        // If nobody takes it, the receiver hears that the sender is gone.
        drop(self.ops.send(Op::Ask { uses, command: encoded.freeze(), answer }));
        receiver
    }

    /// Sends a command and waits for the answer.
    pub(super) async fn answer(&self, uses: Option<String>, command: Command<'_>) -> Result<Reply, BrokerError> {
        if self.is_closed() {
            return Err(closed());
        }
        self.ask(uses, command).await.unwrap_or_else(|_| Err(closed()))
    }

    /// Answers when everything that was sent before is answered.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (sender, flushed) = oneshot::channel();
        drop(self.ops.send(Op::Close(sender)));
        flushed
    }

    pub(super) fn add_inbox(&self, inbox: Guid, sink: Arc<dyn ReplySink>) {
        lock(&self.inboxes).insert(inbox, sink);
    }

    pub(super) fn remove_inbox(&self, inbox: Guid) {
        lock(&self.inboxes).remove(&inbox);
    }

    fn sink(&self, inbox: Guid) -> Option<Arc<dyn ReplySink>> {
        lock(&self.inboxes).get(&inbox).cloned()
    }

    pub(super) fn has_inbox(&self, inbox: Guid) -> bool {
        lock(&self.inboxes).contains_key(&inbox)
    }

    /// Tells a caller that his call was refused.
    pub(super) fn refuse(&self, inbox: Guid, call: Guid, error: BrokerError) {
        lock(&self.load).ended(call);
        if let Some(sink) = self.sink(inbox) {
            sink.refused(call, error);
        }
    }

    /// Tells every inbox that replies may have been lost.
    pub(super) fn lost(&self, error: &BrokerError, unsent: &HashSet<Guid>) {
        let sinks: Vec<_> = lock(&self.inboxes).values().cloned().collect();
        for sink in sinks {
            sink.lost(error.clone(), unsent);
        }
    }
}
