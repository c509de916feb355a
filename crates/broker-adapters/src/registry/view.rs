//! [`RegistryView`]: the registry as one connection knows it.

use std::sync::{Arc, Mutex, PoisonError};

use skyloom_broker::engine::RegistryChange;
use skyloom_core::registry::{Snapshot, Watch};
use tokio::sync::watch;

/// The registry as one connection knows it, kept up to date by the connection's driver.
#[derive(Debug)]
pub struct RegistryView {
    /// What has come of a first snapshot that is not complete yet.
    incomplete: Mutex<Option<Snapshot>>,
    newest: watch::Sender<Arc<Snapshot>>,
    complete: watch::Sender<bool>,
    /// Why the broker could not be asked the last time.
    trouble: Mutex<Option<String>>,
}

impl Default for RegistryView {
    fn default() -> Self {
        Self {
            incomplete: Mutex::new(Some(Snapshot::default())),
            newest: watch::Sender::new(Arc::default()),
            complete: watch::Sender::new(false),
            trouble: Mutex::default(),
        }
    }
}

impl RegistryView {
    /// Waits until the broker has told everything once, and follows it from there.
    pub async fn watch(&self) -> Watch {
        // The sender lives as long as the view, so that waiting cannot fail.
        drop(self.complete.subscribe().wait_for(|complete| *complete).await);
        self.newest.subscribe()
    }

    /// Why the broker could not be asked the last time, if it could not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The broker could not be asked, for this reason.
    #[cfg(any(feature = "nats", feature = "redis"))]
    pub(crate) fn failed(&self, why: String) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// The broker begins to tell everything anew. Until it has, the last snapshot stands.
    #[cfg(any(feature = "local", feature = "redis", test))]
    pub(crate) fn restart(&self) {
        *self.incomplete.lock().unwrap_or_else(PoisonError::into_inner) = Some(Snapshot::default());
    }

    /// The broker begins to tell everything anew, and may have forgotten those who have not been able to say since that
    /// they are there. What is known stands beside what is told.
    #[cfg(any(feature = "local", feature = "nats", feature = "redis", test))]
    pub(crate) fn resume(&self) {
        let known = Snapshot::clone(&self.newest.borrow());
        *self.incomplete.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// As [`RegistryView::resume`]; and if nothing is known, what is told says that somebody may be missing.
    #[cfg(any(feature = "local", test))]
    pub(crate) fn spare(&self) {
        self.resume();
        if let Some(snapshot) = &mut *self.incomplete.lock().unwrap_or_else(PoisonError::into_inner) {
            snapshot.incomplete |= !*self.complete.borrow();
        }
    }

    /// Takes note of a change. Changes that nobody has looked at between are merged: the newest
    /// snapshot is only copied if somebody holds it.
    pub(crate) fn apply(&self, change: RegistryChange) {
        let mut incomplete = self.incomplete.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *incomplete, change) {
            (first, RegistryChange::Complete) => {
                if let Some(snapshot) = first.take() {
                    self.newest.send_replace(Arc::new(snapshot));
                    self.complete.send_replace(true);
                }
            }
            (Some(snapshot), change) => note(snapshot, change),
            (None, change) => self.newest.send_modify(|newest| note(Arc::make_mut(newest), change)),
        }
    }
}

fn note(snapshot: &mut Snapshot, change: RegistryChange) {
    match change {
        RegistryChange::Up(instance) => drop(snapshot.instances.insert(instance.id, instance)),
        RegistryChange::Down(id) => drop(snapshot.instances.remove(&id)),
        RegistryChange::Contract(contract) => {
            drop(snapshot.contracts.insert(contract.name.clone(), contract));
        }
        RegistryChange::Forgotten(service) => drop(snapshot.contracts.remove(&service)),
        RegistryChange::Complete => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom_broker::engine::RegistryChange;
    use skyloom_core::{Guid, registry::Instance};

    use super::RegistryView;

    fn instance() -> Arc<Instance> {
        let (host, region) = ("a".to_owned(), String::new());
        Arc::new(Instance { id: Guid::private(), services: Vec::new(), host, region, pid: 1, started: 0 })
    }

    #[tokio::test]
    async fn the_first_snapshot_is_complete_and_the_last_stands_while_the_next_is_told() {
        let view = RegistryView::default();
        let (first, second) = (instance(), instance());
        view.apply(RegistryChange::Up(Arc::clone(&first)));
        assert!(tokio::time::timeout(std::time::Duration::ZERO, view.watch()).await.is_err());
        view.apply(RegistryChange::Complete);
        let watch = view.watch().await;
        assert!(watch.borrow().instances.contains_key(&first.id));

        view.restart();
        view.apply(RegistryChange::Up(Arc::clone(&second)));
        assert!(watch.borrow().instances.contains_key(&first.id));
        view.apply(RegistryChange::Complete);
        assert_eq!(watch.borrow().instances.keys().copied().collect::<Vec<_>>(), [second.id]);
        view.resume();
        view.apply(RegistryChange::Up(Arc::clone(&first)));
        view.apply(RegistryChange::Complete);
        assert_eq!(watch.borrow().instances.len(), 2, "who was known before is known still");
        view.apply(RegistryChange::Down(first.id));
        view.apply(RegistryChange::Down(second.id));
        assert!(watch.borrow().instances.is_empty());
    }

    #[tokio::test]
    async fn who_begins_to_follow_a_registry_that_was_lost_hears_that_somebody_may_be_missing() {
        let view = RegistryView::default();
        view.spare();
        view.apply(RegistryChange::Complete);
        let watch = view.watch().await;
        assert!(watch.borrow().incomplete);
        view.apply(RegistryChange::Up(instance()));
        assert!(watch.borrow().incomplete);
        view.restart();
        view.apply(RegistryChange::Complete);
        assert!(!watch.borrow().incomplete);
        view.spare();
        view.apply(RegistryChange::Complete);
        assert!(!watch.borrow().incomplete, "who was known is known still");
    }
}
