//! Instances, contracts, and who follows them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use skyloom_core::{Guid, contract::Contract, registry::Instance};

use crate::engine::{Conn, RegistryChange};

/// An instance and whose it is.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) instance: Arc<Instance>,
    pub(crate) session: Guid,
    /// None: its client has not come back after a planned restart.
    pub(crate) conn: Option<Conn>,
    /// Its connection is not silent.
    pub(crate) up: bool,
}

/// A contract and when it was last registered.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) contract: Arc<Contract>,
    pub(crate) used: u64,
}

/// What the registry knows.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) instances: BTreeMap<Guid, Registered>,
    /// By the service's full name; also of services without a running instance.
    pub(crate) contracts: BTreeMap<String, Known>,
    pub(crate) watchers: BTreeSet<Conn>,
    /// Counts registrations, so that the oldest contract can be told.
    pub(crate) registrations: u64,
}

impl Directory {
    /// Everything that is known, as a watch begins.
    pub(crate) fn everything(&self) -> impl Iterator<Item = RegistryChange> {
        let contracts = self.contracts.values().map(|known| RegistryChange::Contract(Arc::clone(&known.contract)));
        let up = self.instances.values().filter(|registered| registered.up);
        let instances = up.map(|registered| RegistryChange::Up(Arc::clone(&registered.instance)));
        contracts.chain(instances).chain([RegistryChange::Complete])
    }

    /// Makes room for these contracts by forgetting the oldest of services without an instance.
    /// Returns whether there is room; if not, nothing is forgotten.
    pub(crate) fn make_room(&mut self, contracts: &[Contract], limit: usize) -> bool {
        let coming: HashSet<&str> = contracts.iter().map(|contract| contract.name.as_str()).collect();
        let new = coming.iter().filter(|name| !self.contracts.contains_key(**name)).count();
        let excess = (self.contracts.len() + new).saturating_sub(limit);
        if excess == 0 {
            return true;
        }
        let services = self.instances.values().flat_map(|registered| &registered.instance.services);
        let live: HashSet<&str> = services.map(|service| service.name.as_str()).collect();
        let idle = |name: &str| !live.contains(name) && !coming.contains(name);
        let mut oldest: Vec<(u64, String)> = self
            .contracts
            .iter()
            .filter(|(name, _)| idle(name))
            .map(|(name, known)| (known.used, name.clone()))
            .collect();
        if oldest.len() < excess {
            return false;
        }
        oldest.sort_unstable();
        for (_, name) in oldest.iter().take(excess) {
            self.contracts.remove(name);
        }
        true
    }

    /// Remembers a contract. Returns the change, if it is one.
    pub(crate) fn remember(&mut self, contract: Contract) -> Option<RegistryChange> {
        let used = self.registrations;
        if let Some(known) = self.contracts.get_mut(&contract.name)
            && *known.contract == contract
        {
            known.used = used;
            return None;
        }
        let contract = Arc::new(contract);
        self.contracts.insert(contract.name.clone(), Known { contract: Arc::clone(&contract), used });
        Some(RegistryChange::Contract(contract))
    }
}
