//! What all parts of a cluster share.

use std::{
    panic::Location,
    sync::{Arc, Mutex, PoisonError},
};

use skyloom_core::contract::Contract;

use super::{alarm::Alarm, journal::Journal, patience::expect, plan::Plan, served::Served};

/// The number of the test's own seat.
pub(super) const OWN: usize = 0;

/// What all parts of a cluster share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) journal: Arc<Journal>,
    pub(super) plan: Plan,
    pub(super) alarm: Alarm,
    pub(super) served: Served,
    /// Of the services that have been started, fakes included.
    contracts: Mutex<Vec<Contract>>,
    /// What the instances serve, by the numbers of their seats.
    names: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        let (journal, plan) = (Arc::new(Journal::new()), Plan::default());
        let (alarm, served) = (Alarm::default(), Served::default());
        let names = Mutex::new(vec!["the test".to_owned()]);
        Arc::new(Self { journal, plan, alarm, served, contracts: Mutex::default(), names })
    }

    /// Waits for what is expected, as long as no fake panics.
    ///
    /// # Panics
    /// With what `told` says if it does not come, or with what a fake has said.
    pub(super) async fn expect<T>(
        &self,
        expected: impl Future<Output = T>,
        at: &'static Location<'static>,
        told: impl FnOnce() -> String,
    ) -> T {
        tokio::select! {
            biased;
            what = self.alarm.raised() => panic!("{at}: {what}"),
            come = expect(expected, at, told) => come,
        }
    }

    /// Notes what an instance serves and numbers its seat.
    pub(super) fn number(&self, name: &str, contract: Contract) -> usize {
        self.contracts.lock().unwrap_or_else(PoisonError::into_inner).push(contract);
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.push(name.to_owned());
        names.len() - 1
    }

    /// What the instance on this seat serves.
    pub(super) fn name(&self, seat: usize) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(seat).cloned().unwrap_or_default()
    }

    /// The contract of the service with this queue.
    pub(super) fn contract(&self, queue: &str) -> Option<Contract> {
        let contracts = self.contracts.lock().unwrap_or_else(PoisonError::into_inner);
        contracts.iter().find(|contract| contract.queue.as_str() == queue).cloned()
    }
}
