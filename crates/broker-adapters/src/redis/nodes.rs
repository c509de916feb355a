//! [`Nodes`]: the servers, and which of them has which slot.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use ::redis::{RedisError, Value, cmd};
use skyloom_core::Guid;
use tokio::{runtime::Handle, sync::watch, time::Instant};

use crate::remote::Load;

use super::{
    link::connect,
    node::Node,
    op::Op,
    options::{Address, Options},
};

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// Consumers and inboxes end.
    Leaving,
    /// What waits is written, and then it ends.
    Closing,
}

/// The map of a cluster is asked for at most this often.
const REFRESH: Duration = Duration::from_millis(250);

/// When somebody was last asked for the map, and whose turn it is. One that was cut off from the others may answer with
/// an old map for ever.
#[derive(Default)]
struct Asked {
    last: Option<Instant>,
    turn: usize,
}

/// The servers, and which of them has which slot. A single server has them all.
pub(super) struct Nodes {
    pub(super) options: Options,
    /// Names this process.
    pub(super) session: Guid,
    pub(super) runtime: Handle,
    pub(super) stage: watch::Sender<Stage>,
    /// The one that has all slots, if it is no cluster.
    only: OnceLock<Arc<Node>>,
    nodes: Mutex<HashMap<Address, Arc<Node>, foldhash::fast::RandomState>>,
    /// The last slot of each range, with the first and the node.
    slots: RwLock<BTreeMap<u16, (u16, Address)>>,
    asked: tokio::sync::Mutex<Asked>,
    load: Mutex<Load>,
    start: fn(&Arc<Nodes>, Arc<Node>),
}

impl Nodes {
    /// The servers that a URL names; `start` starts what serves one.
    pub(super) fn new(options: Options, start: fn(&Arc<Self>, Arc<Node>)) -> Arc<Self> {
        Arc::new(Self {
            options,
            session: Guid::private(),
            runtime: Handle::current(),
            stage: watch::Sender::new(Stage::Open),
            only: OnceLock::new(),
            nodes: Mutex::default(),
            slots: RwLock::default(),
            asked: tokio::sync::Mutex::default(),
            load: Mutex::default(),
            start,
        })
    }

    /// Whether what waits is to be written, and no more.
    pub(super) fn is_closing(&self) -> bool {
        *self.stage.borrow() == Stage::Closing
    }

    /// Whether it is still used.
    pub(super) fn is_open(&self) -> bool {
        *self.stage.borrow() == Stage::Open
    }

    /// The calls that are under way.
    pub(super) fn load(&self) -> MutexGuard<'_, Load> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is not used any more.
    pub(super) async fn left(&self) {
        let mut stage = self.stage.subscribe();
        // The sender lives as long as this.
        drop(stage.wait_for(|stage| *stage != Stage::Open).await);
    }

    /// The node that has this slot, as far as is known.
    pub(super) fn of(self: &Arc<Self>, slot: u16) -> Arc<Node> {
        match self.only() {
            Some(only) => Arc::clone(only),
            None => self.node(&self.address_of(slot)),
        }
    }

    /// The only one there is, which each operation goes to.
    fn only(self: &Arc<Self>) -> Option<&Arc<Node>> {
        if self.options.cluster {
            return None;
        }
        Some(self.only.get_or_init(|| self.node(&self.address_of(0))))
    }

    fn address_of(&self, slot: u16) -> Address {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let range = slots.range(slot..).next().filter(|(_, (first, _))| *first <= slot);
        let found = range.map(|(_, (_, address))| address.clone());
        // The first is asked, and says who has it.
        found.or_else(|| self.options.addresses.first().cloned()).unwrap_or(Address::Unix("".into()))
    }

    fn node(self: &Arc<Self>, address: &Address) -> Arc<Node> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = nodes.get(address) {
            return Arc::clone(node);
        }
        let node = Arc::new(Node::new(address.clone()));
        nodes.insert(address.clone(), Arc::clone(&node));
        drop(nodes);
        (self.start)(self, Arc::clone(&node));
        node
    }

    /// All that are in use.
    pub(super) fn all(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Has something done where it belongs.
    pub(super) fn submit(self: &Arc<Self>, op: Op) {
        match self.only() {
            Some(only) => only.submit(op),
            None => self.of(op.place.slot).submit(op),
        }
    }

    /// The calls that were not sent yet.
    pub(super) fn unsent(&self) -> HashSet<Guid> {
        self.all().iter().flat_map(|node| node.unsent()).collect()
    }

    /// Learns anew which node has which slot, unless that was done just now.
    pub(super) async fn refresh(&self) -> Result<(), RedisError> {
        if !self.options.cluster {
            return Ok(());
        }
        let mut asked = self.asked.lock().await;
        if asked.last.is_some_and(|at| at.elapsed() < REFRESH) {
            return Ok(());
        }
        let mut known: Vec<Address> = self.all().iter().map(|node| node.address.clone()).collect();
        known.extend(self.options.addresses.iter().cloned());
        let first = asked.turn % known.len().max(1);
        known.rotate_left(first);
        let mut result = Ok(());
        for address in known {
            asked.turn = asked.turn.wrapping_add(1);
            match slots(&self.options, &address).await {
                // One that has left the cluster knows of none.
                Ok(slots) if slots.is_empty() => result = Ok(()),
                Ok(slots) => {
                    *self.slots.write().unwrap_or_else(PoisonError::into_inner) = slots;
                    result = Ok(());
                    break;
                }
                Err(error) => result = Err(error),
            }
        }
        asked.last = Some(Instant::now());
        result
    }

    /// Sends what waits at a node to where it belongs now.
    pub(super) fn reroute(self: &Arc<Self>, node: &Arc<Node>) {
        if !self.options.cluster {
            return;
        }
        let mut staying = Vec::new();
        for op in node.take_all() {
            let target = self.of(op.place.slot);
            if Arc::ptr_eq(&target, node) { staying.push(op) } else { target.submit(op) }
        }
        node.put_back(staying);
    }
}

type Slots = BTreeMap<u16, (u16, Address)>;

/// Asks one node of a cluster who has which slots.
async fn slots(options: &Options, address: &Address) -> Result<Slots, RedisError> {
    let mut connection = connect(options, address, Duration::ZERO).await?;
    let rows: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    let mut slots = Slots::new();
    for row in rows {
        if let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &row[..] {
            let (Ok(first), Ok(last)) = (u16::try_from(*first), u16::try_from(*last)) else { continue };
            slots.insert(last, (first, master_of(master, address)));
        }
    }
    Ok(slots)
}

/// A node that does not know its own host says nothing: it is the one that was asked.
fn master_of(master: &[Value], asked: &Address) -> Address {
    let host = match master.first() {
        Some(Value::BulkString(host)) => String::from_utf8_lossy(host).into_owned(),
        _ => String::new(),
    };
    let port = match master.get(1) {
        Some(Value::Int(port)) => u16::try_from(*port).unwrap_or_default(),
        _ => 0,
    };
    match asked {
        Address::Tcp(asked, _) if host.is_empty() || host == "?" => Address::Tcp(asked.clone(), port),
        _ => Address::Tcp(host, port),
    }
}
