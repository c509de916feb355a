//! A queue that is full.

use std::sync::Arc;

use super::{shared::Shared, target::Place};

/// A queue or topic that refuses whatever is sent to it because it is full, until this is dropped; from
/// [`Cluster::fill`](super::Cluster::fill).
#[derive(Debug)]
pub struct Full {
    shared: Arc<Shared>,
    place: Place,
}

impl Full {
    pub(super) fn new(shared: &Arc<Shared>, place: Place) -> Self {
        shared.plan.fill(place.clone());
        Self { shared: Arc::clone(shared), place }
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        self.shared.plan.empty(&self.place);
    }
}
