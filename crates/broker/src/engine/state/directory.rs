//! Instances, contracts, and who follows them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use skyloom_core::{Guid, contract::Contract, registry::Instance};

use super::Time;
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

/// A contract, when it was last registered, and when it is forgotten.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) contract: Arc<Contract>,
    pub(crate) used: u64,
    /// `NEVER` while there is an instance of the service.
    pub(crate) until: Time,
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
    /// Whether there is a timer for the contracts that are to be forgotten.
    pub(crate) timed: bool,
    /// How many instances each service has that has any.
    live: HashMap<String, usize, foldhash::fast::RandomState>,
}

impl Directory {
    /// Everything that is known, as a watch begins.
    pub(crate) fn everything(&self) -> impl Iterator<Item = RegistryChange> {
        let contracts = self.contracts.values().map(|known| RegistryChange::Contract(Arc::clone(&known.contract)));
        let up = self.instances.values().filter(|registered| registered.up);
        let instances = up.map(|registered| RegistryChange::Up(Arc::clone(&registered.instance)));
        contracts.chain(instances).chain([RegistryChange::Complete])
    }

    /// Takes an instance in. Returns what was known of it.
    pub(crate) fn enter(&mut self, registered: Registered, until: Time) -> Option<Registered> {
        for service in &registered.instance.services {
            *self.live.entry(service.name.clone()).or_default() += 1;
            if let Some(known) = self.contracts.get_mut(&service.name) {
                known.until = Time::NEVER;
            }
        }
        let before = self.instances.insert(registered.instance.id, registered);
        if let Some(before) = &before {
            self.count_out(&before.instance, until);
        }
        before
    }

    /// Lets an instance go. Contracts of which it was the last are forgotten then, if no other comes.
    pub(crate) fn leave(&mut self, id: Guid, until: Time) -> Option<Registered> {
        let registered = self.instances.remove(&id)?;
        self.count_out(&registered.instance, until);
        Some(registered)
    }

    fn count_out(&mut self, instance: &Instance, until: Time) {
        for service in &instance.services {
            let Some(count) = self.live.get_mut(&service.name) else { continue };
            *count -= 1;
            if *count == 0 {
                self.live.remove(&service.name);
                if let Some(known) = self.contracts.get_mut(&service.name) {
                    known.until = until;
                }
            }
        }
    }

    /// When the first contract is to be forgotten.
    pub(crate) fn next_forgotten(&self) -> Option<Time> {
        self.contracts.values().map(|known| known.until).filter(|until| *until != Time::NEVER).min()
    }

    /// Forgets the contract of a service without an instance. Returns whether it was known.
    pub(crate) fn forget(&mut self, service: &str) -> bool {
        !self.live.contains_key(service) && self.contracts.remove(service).is_some()
    }

    /// Forgets every contract whose time has come. Returns whose they were.
    pub(crate) fn forget_until(&mut self, now: Time) -> Vec<String> {
        let over = self.contracts.extract_if(.., |_, known| known.until <= now);
        over.map(|(name, _)| name).collect()
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
        let idle = |name: &str| !self.live.contains_key(name) && !coming.contains(name);
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

    /// Remembers a contract, until then if the service has no instance. Returns the change, if it is one.
    pub(crate) fn remember(&mut self, contract: Arc<Contract>, until: Time) -> Option<RegistryChange> {
        let used = self.registrations;
        let until = if self.live.contains_key(&contract.name) { Time::NEVER } else { until };
        let known = Known { contract: Arc::clone(&contract), used, until };
        let before = self.contracts.insert(contract.name.clone(), known);
        before.is_none_or(|before| before.contract != contract).then_some(RegistryChange::Contract(contract))
    }
}
