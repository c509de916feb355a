//! [`NatsLink`]: the registry in two key-value buckets. An instance is known for as long as its process says so.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_nats::HeaderMap;
use serde::Serialize;
use skyloom_core::{
    Guid,
    broker::{Ack, BoxFuture, BrokerError},
    contract::Contract,
    registry::Instance,
};
use tokio::{sync::Notify, time::sleep};

use super::{
    api::{Failed, Kept, Meaning},
    ask::refused,
    handle::Handle,
    link::{Link, Phase},
    open::open,
    options::NatsOptions,
    roster::{Buckets, OPERATION, follow},
};
use crate::{
    registry::{RegistryLink, RegistryView},
    remote::{BrokerUrl, OpenError},
};

/// How often a process says that it is there.
const BEAT: Duration = Duration::from_millis(600);

/// How often a process looks whether its contracts are still known.
const LOOK: Duration = Duration::from_secs(10);

/// A registry in NATS, on a connection of its own. Clones share it.
#[derive(Clone)]
pub struct NatsLink {
    shared: Arc<Shared>,
    _handle: Arc<Handle>,
}

struct Shared {
    link: Arc<Link>,
    buckets: Buckets,
    /// The instances of this process and their contracts, as they are told.
    own: Mutex<BTreeMap<Guid, Vec<Entry>>>,
    registered: Notify,
    view: OnceLock<Arc<RegistryView>>,
}

/// A value and its key's subject.
#[derive(Clone)]
struct Entry {
    subject: String,
    value: String,
}

fn json(value: &impl Serialize) -> Result<String, BrokerError> {
    serde_json::to_string(value).map_err(|error| BrokerError::refused(error.to_string()))
}

impl NatsLink {
    /// Connects to the server, or to one of the cluster, that the URL names, and checks that JetStream is there.
    ///
    /// # Errors
    /// [`OpenError`] says why there is no connection; nobody is waited for longer than `patience`.
    pub async fn connect(url: &BrokerUrl, patience: Duration) -> Result<Self, OpenError> {
        // Whatever the queues use, the registry needs JetStream.
        let options = NatsOptions { core: false, ..NatsOptions::of(url)? };
        let buckets = Buckets::new(&options.limits.prefix);
        let link = open(url, options, patience, "name another registry, for this one needs it in any mode").await?;
        let shared = Arc::new(Shared {
            link: Arc::clone(&link),
            buckets,
            own: Mutex::default(),
            registered: Notify::new(),
            view: OnceLock::new(),
        });
        tokio::spawn(Arc::clone(&shared).beat());
        tokio::spawn(Arc::clone(&shared).keep_contracts());
        Ok(Self { shared, _handle: Arc::new(Handle(link)) })
    }
}

impl Shared {
    fn own(&self) -> MutexGuard<'_, BTreeMap<Guid, Vec<Entry>>> {
        // Nothing panics while it is locked; a poisoned one is whole.
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn put(&self, entry: &Entry) -> Result<(), BrokerError> {
        let answer = self.link.ask(entry.subject.clone(), entry.value.clone()).await?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Failed { error: None }) => Ok(()),
            Ok(Failed { error: Some(error) }) => Err(refused("the registry", &error)),
            Err(error) => Err(BrokerError::lost(format!("its confirmation is garbled: {error}"))),
        }
    }

    /// Deletes a key.
    fn delete(&self, subject: String) -> Result<(), BrokerError> {
        let mut headers = HeaderMap::new();
        headers.insert(OPERATION, "DEL");
        self.link.publish(subject, None, Some(headers), bytes::Bytes::new())
    }

    /// Makes sure that there is a registry, and tells it what it has to know of this.
    async fn tell(&self, entries: &[Entry]) -> Result<(), BrokerError> {
        self.buckets.ensure(&self.link).await?;
        for entry in entries {
            self.put(entry).await?;
        }
        Ok(())
    }

    /// Says again and again who is there, until the connection is closed.
    async fn beat(self: Arc<Self>) {
        let mut is_told = true;
        loop {
            tokio::select! {
                () = sleep(BEAT) => {}
                () = self.registered.notified() => {}
                () = self.link.closed() => return,
            }
            if self.link.phase() != Phase::Live {
                // A server that comes back may have forgotten everything.
                is_told = false;
                continue;
            }
            let own: Vec<Vec<Entry>> = self.own().values().cloned().collect();
            let mut all_told = true;
            for entries in own {
                // The instance itself is the first, and what its contracts say does not change.
                let told = match entries.first() {
                    Some(instance) if is_told => self.put(instance).await,
                    _ => self.tell(&entries).await,
                };
                all_told &= told.is_ok();
                if let Err(error) = told {
                    tracing::debug!(%error, "the registry did not take note of an instance");
                }
            }
            is_told = all_told;
        }
    }

    /// Tells the registry again what it has lost of the contracts, until the connection is closed: an operator may have
    /// deleted them, or somebody has had one forgotten who did not know yet that we serve it.
    async fn keep_contracts(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = sleep(LOOK) => {}
                () = self.link.closed() => return,
            }
            // The instance itself is the first of its entries.
            let contracts = |entries: &Vec<Entry>| entries.iter().skip(1).cloned().collect::<Vec<_>>();
            let own: Vec<Entry> = self.own().values().flat_map(contracts).collect();
            for contract in own {
                if self.has_lost(&contract).await
                    && let Err(error) = self.tell(&[contract]).await
                {
                    tracing::debug!(%error, "the registry did not take note of a contract");
                }
            }
        }
    }

    /// Whether the registry certainly does not know a contract.
    async fn has_lost(&self, contract: &Entry) -> bool {
        let last = serde_json::json!({ "last_by_subj": contract.subject });
        let kept = self.link.api(&format!("STREAM.MSG.GET.KV_{}", self.buckets.contracts), Some(last)).await;
        match kept {
            // Only who deletes a key writes headers.
            Ok(Kept { message }) => message.hdrs.is_some(),
            Err(error) => error.meaning() == Meaning::Missing,
        }
    }

    async fn register(&self, instance: Guid, entries: Vec<Entry>) -> Result<(), BrokerError> {
        self.own().insert(instance, entries.clone());
        self.tell(&entries).await
    }
}

impl RegistryLink for NatsLink {
    fn register(&self, instance: Instance, contracts: Vec<Contract>) -> Ack {
        let id = instance.id;
        let buckets = &self.shared.buckets;
        let first = json(&instance).map(|value| Entry { subject: buckets.instance(id), value });
        let others = contracts
            .iter()
            .map(|contract| json(contract).map(|value| Entry { subject: buckets.contract(&contract.name), value }));
        let entries = std::iter::once(first).chain(others).collect::<Result<Vec<_>, _>>();
        let shared = Arc::clone(&self.shared);
        Ack::running(async move { shared.register(id, entries?).await })
    }

    fn deregister(&self, instance: Guid) -> Ack {
        let own = self.shared.own().remove(&instance);
        drop(own);
        let link = Arc::clone(&self.shared.link);
        // Sent at once: nobody may wait for it.
        let sent = self.shared.delete(self.shared.buckets.instance(instance));
        Ack::running(async move {
            drop(link.client.flush().await);
            sent
        })
    }

    fn forget(&self, service: &str) -> BoxFuture<'static, Result<bool, BrokerError>> {
        let (shared, view, service) = (Arc::clone(&self.shared), self.follow(), service.to_owned());
        Box::pin(async move {
            let mut seen = view.watch().await;
            if !seen.borrow().contracts.contains_key(&service) {
                return Ok(false);
            }
            shared.delete(shared.buckets.contract(&service))?;
            drop(shared.link.client.flush().await);
            // It is done once the server tells it; the view lives as long as this connection.
            drop(seen.wait_for(|now| !now.contracts.contains_key(&service)).await);
            Ok(true)
        })
    }

    fn follow(&self) -> Arc<RegistryView> {
        let view = self.shared.view.get_or_init(|| {
            let view = Arc::<RegistryView>::default();
            let (link, buckets) = (Arc::clone(&self.shared.link), self.shared.buckets.clone());
            tokio::spawn(follow(link, buckets, Arc::clone(&view)));
            view
        });
        Arc::clone(view)
    }
}

impl fmt::Debug for NatsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shared.link.address)
    }
}
