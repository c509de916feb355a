//! A registry that lives on a broker connection.

use std::{fmt, sync::Arc, time::Duration};

use skyloom_broker_adapters::registry::RegistryLink;
use skyloom_core::{
    Guid,
    broker::{BoxFuture, BrokerError},
    contract::Contract,
    registry::{Filter, Instance, Registration, Registry, RegistryError, Snapshot, Watch},
};
use tokio::time::timeout;

/// How long to wait for a broker that is away before saying so. Nobody's call waits for this.
const PATIENCE: Duration = Duration::from_secs(5);

/// A registry that lives on a broker connection.
#[derive(Clone, Debug)]
pub struct Linked<L>(L);

impl<L: RegistryLink + Clone> Linked<L> {
    /// The registry of this connection's broker.
    #[must_use]
    pub const fn new(link: L) -> Self {
        Self(link)
    }

    async fn snapshot(&self) -> Result<Watch, RegistryError> {
        let view = self.0.follow();
        timeout(PATIENCE, view.watch()).await.map_err(|_| {
            let why = view.trouble().map(|why| format!(": {why}")).unwrap_or_default();
            RegistryError::Unavailable(format!("{:?} did not tell what it knows within {PATIENCE:?}{why}", self.0))
        })
    }
}

fn refused(error: BrokerError) -> RegistryError {
    match error {
        BrokerError::Unavailable { reason } | BrokerError::Lost { reason } => RegistryError::Unavailable(reason),
        other => RegistryError::Refused(other.to_string()),
    }
}

/// What the broker answers, for which nobody waits too long.
async fn answered<T>(answer: impl Future<Output = Result<T, BrokerError>>) -> Result<T, RegistryError> {
    let answered = timeout(PATIENCE, answer).await;
    answered
        .unwrap_or_else(|_| Err(BrokerError::unavailable(format!("no answer came within {PATIENCE:?}"))))
        .map_err(refused)
}

/// The contract of a service by its full name or its queue.
fn named<'s>(snapshot: &'s Snapshot, service: &str) -> Option<&'s Arc<Contract>> {
    let by_queue = || snapshot.contracts.values().find(|contract| contract.queue.as_str() == service);
    snapshot.contracts.get(service).or_else(by_queue)
}

impl<L: RegistryLink + Clone> Registry for Linked<L> {
    fn register(
        &self,
        instance: Instance,
        contracts: Vec<Contract>,
    ) -> BoxFuture<'_, Result<Box<dyn Registration>, RegistryError>> {
        Box::pin(async move {
            // Deregisters also if nobody waits for the answer any more.
            let guard = Guard { link: self.0.clone(), instance: Some(instance.id) };
            answered(self.0.register(instance, contracts)).await?;
            Ok(Box::new(guard) as Box<dyn Registration>)
        })
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Arc<Instance>>, RegistryError>> {
        Box::pin(async move {
            let watch = self.snapshot().await?;
            let found = watch.borrow().find(filter).cloned().collect();
            Ok(found)
        })
    }

    fn watch(&self) -> BoxFuture<'_, Result<Watch, RegistryError>> {
        Box::pin(self.snapshot())
    }

    fn contract<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Option<Arc<Contract>>, RegistryError>> {
        Box::pin(async move {
            let watch = self.snapshot().await?;
            let snapshot = Arc::clone(&watch.borrow());
            Ok(named(&snapshot, service).cloned())
        })
    }

    fn forget<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<bool, RegistryError>> {
        Box::pin(async move {
            let watch = self.snapshot().await?;
            let snapshot = Arc::clone(&watch.borrow());
            let Some(contract) = named(&snapshot, service) else { return Ok(false) };
            if snapshot.is_live(&contract.name) {
                return Err(RegistryError::Refused(format!("an instance of {} runs", contract.name)));
            }
            answered(self.0.forget(&contract.name)).await
        })
    }
}

/// Deregisters an instance when dropped.
struct Guard<L: RegistryLink> {
    link: L,
    /// None once it is deregistered.
    instance: Option<Guid>,
}

impl<L: RegistryLink> Registration for Guard<L> {
    fn deregister(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(instance) = self.instance.take() {
                // A broker that is away has forgotten it, or will when the connection's end is noticed.
                drop(timeout(PATIENCE, self.link.deregister(instance)).await);
            }
        })
    }
}

impl<L: RegistryLink> Drop for Guard<L> {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            drop(self.link.deregister(instance));
        }
    }
}

impl<L: RegistryLink> fmt::Debug for Guard<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("instance", &self.instance).finish_non_exhaustive()
    }
}
