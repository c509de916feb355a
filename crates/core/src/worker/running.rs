//! Streams that are being sent, so that their callers can stop them.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use crate::{
    Guid,
    broker::{Ack, BrokerError},
};

/// Each is stopped by the sender beside its number.
type Numbered = Vec<(u64, oneshot::Sender<()>)>;

#[derive(Debug, Default)]
struct Table {
    /// Mostly one for a call: more if it came again while an earlier attempt of it still goes on.
    streams: HashMap<Guid, Numbered, foldhash::fast::RandomState>,
    entered: u64,
}

/// Streams by the GUID of their call.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Table>);

/// A stream that can be stopped until this is dropped.
pub(super) struct StreamEntry {
    streams: Arc<Streams>,
    id: Guid,
    number: u64,
    stopped: oneshot::Receiver<()>,
    /// What the broker says to the last extension of its lease.
    extended: Option<Ack>,
}

impl Streams {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: &Arc<Self>, id: Guid) -> StreamEntry {
        let (stop, stopped) = oneshot::channel();
        let mut table = self.table();
        table.entered += 1;
        let number = table.entered;
        table.streams.entry(id).or_default().push((number, stop));
        drop(table);
        StreamEntry { streams: Arc::clone(self), id, number, stopped, extended: None }
    }

    /// Stops the streams of a call that are still being sent.
    pub(super) fn stop(&self, id: Guid) {
        let stopped = self.table().streams.remove(&id);
        for (_, stop) in stopped.into_iter().flatten() {
            // The stream may have just ended by itself.
            let _ = stop.send(());
        }
    }
}

/// Why a stream is to end before it ends by itself.
pub(super) enum Unread {
    /// Its reader wants no more, or it is another worker's now.
    Stopped,
    /// The broker, which knows when a reader is gone without a word, says that nobody is there.
    Abandoned,
}

impl StreamEntry {
    /// Its lease is being extended.
    pub(super) fn extended(&mut self, ack: Ack) {
        self.extended = Some(ack);
    }

    /// Resolves once when nobody reads the stream any more.
    pub(super) fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<Unread> {
        if Pin::new(&mut self.stopped).poll(cx).is_ready() {
            return Poll::Ready(Unread::Stopped);
        }
        let Some(Poll::Ready(extended)) = self.extended.as_mut().map(|ack| Pin::new(ack).poll(cx)) else {
            return Poll::Pending;
        };
        self.extended = None;
        match extended {
            Err(BrokerError::Refused { .. }) => Poll::Ready(Unread::Abandoned),
            Err(BrokerError::Stale) => Poll::Ready(Unread::Stopped),
            // A connection that is lost for a moment says nothing about the reader.
            _ => Poll::Pending,
        }
    }
}

impl Drop for StreamEntry {
    fn drop(&mut self) {
        let mut table = self.streams.table();
        if let Some(streams) = table.streams.get_mut(&self.id) {
            streams.retain(|(number, _)| *number != self.number);
            if streams.is_empty() {
                table.streams.remove(&self.id);
            }
        }
    }
}
