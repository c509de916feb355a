//! Streams that are being sent, so that their callers can stop them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::Guid;

type Table = HashMap<Guid, oneshot::Sender<()>, foldhash::fast::RandomState>;

/// Streams by the GUID of their call.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Table>);

/// A stream that can be stopped until this is dropped.
pub(super) struct StreamEntry {
    streams: Arc<Streams>,
    id: Guid,
    pub(super) stopped: oneshot::Receiver<()>,
}

impl Streams {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: &Arc<Self>, id: Guid) -> StreamEntry {
        let (stop, stopped) = oneshot::channel();
        self.table().insert(id, stop);
        StreamEntry { streams: Arc::clone(self), id, stopped }
    }

    /// Stops a stream, if it is still being sent.
    pub(super) fn stop(&self, id: Guid) {
        if let Some(stop) = self.table().remove(&id) {
            // The stream may have just ended by itself.
            let _ = stop.send(());
        }
    }
}

impl Drop for StreamEntry {
    fn drop(&mut self) {
        self.streams.table().remove(&self.id);
    }
}
