//! Whether a connection has something of its client's that nobody has read.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Whether there is something of the client's that nobody has read, as far as is known: it begins with the first byte
/// of a request, and ends with the last of its body.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    unread: AtomicBool,
    /// The last request's body has been given up before its end.
    given_up: AtomicBool,
}

impl Unread {
    /// Something has come.
    pub(super) fn begin(&self) {
        self.0.unread.store(true, Relaxed);
    }

    /// Whether there is something.
    pub(super) fn is_some(&self) -> bool {
        self.0.unread.load(Relaxed)
    }

    /// Whether the last request was answered before its body had been read.
    pub(super) fn is_given_up(&self) -> bool {
        self.0.given_up.load(Relaxed)
    }

    fn end(&self, whole: bool) {
        self.0.given_up.store(!whole, Relaxed);
        if whole {
            self.0.unread.store(false, Relaxed);
        }
    }
}

/// The body of a request, which says when it has been read.
pub(super) struct Reading<'a> {
    body: Incoming,
    /// A body in chunks knows of its end when there is no more of it.
    ended: bool,
    unread: &'a Unread,
}

impl<'a> Reading<'a> {
    pub(super) fn new(body: Incoming, unread: &'a Unread) -> Self {
        Self { body, ended: false, unread }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.unread.end(self.ended || self.body.is_end_stream());
    }
}

impl Body for Reading<'_> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.ended = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
