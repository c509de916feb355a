//! [`Registry`] itself.

use std::{collections::BTreeMap, fmt, sync::Arc};

use tokio::sync::watch;

use super::{Filter, Instance};
use crate::{Guid, broker::BoxFuture, contract::Contract};

/// Why the registry did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry cannot be reached. Queues work without it.
    #[error("the registry is not available: {0}")]
    Unavailable(String),
    /// The registry refused, for instance because it is full.
    #[error("the registry refused: {0}")]
    Refused(String),
}

impl From<RegistryError> for crate::Status {
    fn from(error: RegistryError) -> Self {
        Self::unavailable(error.to_string())
    }
}

/// Everything that the registry knows at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The running instances.
    pub instances: BTreeMap<Guid, Arc<Instance>>,
    /// The contracts by full service name, also of services without a running instance.
    pub contracts: BTreeMap<String, Arc<Contract>>,
    /// Somebody may be missing: the registry was lost a moment ago, and not everybody has had the time to come back. A
    /// snapshot without this follows.
    pub incomplete: bool,
}

impl Snapshot {
    /// The instances that the filter matches.
    pub fn find<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Arc<Instance>> {
        self.instances.values().filter(move |instance| filter.matches(instance))
    }

    /// Whether a running instance serves this service.
    #[must_use]
    pub fn is_live(&self, service: &str) -> bool {
        self.instances.values().any(|instance| instance.services.iter().any(|served| served.name == service))
    }
}

/// The newest snapshot, and a way to wait for the next. Changes that come quickly are merged.
pub type Watch = watch::Receiver<Arc<Snapshot>>;

/// Deregisters the instance when dropped.
pub trait Registration: Send + Sync + fmt::Debug {
    /// Deregisters and waits until the registry has taken note.
    fn deregister(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Holds instances and contracts. It is for people, gateways and tools, never on the path of a
/// call: if it is away, queues still work.
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Makes an instance and its contracts known until the guard is dropped. Heartbeats are the
    /// registry's own business, as is registering anew after a reconnect.
    fn register(
        &self,
        instance: Instance,
        contracts: Vec<Contract>,
    ) -> BoxFuture<'_, Result<Box<dyn Registration>, RegistryError>>;

    /// The instances that the filter matches.
    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Arc<Instance>>, RegistryError>>;

    /// Follows all changes. The first snapshot is complete.
    fn watch(&self) -> BoxFuture<'_, Result<Watch, RegistryError>>;

    /// The contract of a service by its full name or its queue; also of one without a running
    /// instance.
    fn contract<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Option<Arc<Contract>>, RegistryError>>;

    /// Forgets the contract of a service that is gone for good, by its full name or its queue. Returns whether it was
    /// known. One of which an instance runs is refused.
    fn forget<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<bool, RegistryError>>;
}
