//! Ends the streams of HTTP/2 whose client takes nothing of its response.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    body::{Frame, SizeHint},
    rt::Executor,
};
use skyloom::{Result, Status};
use tokio::time::{Sleep, sleep};

use crate::exchange::Body;

/// How much of a response is handed over at a time: as much as a frame of HTTP/2 has by default. Less of it at a time
/// would cost more frames, and of the last piece nobody sees whether all of it was taken.
const PIECE: usize = 16 * 1024;

tokio::task_local! {
    /// Which piece of its response this stream has handed over and not heard of since; 0 if there is none, because the
    /// gateway has nothing to send.
    static HANDED: Cell<u64>;
}

/// Runs each stream of a connection in a task of its own, and ends one whose client takes nothing of its response for
/// longer than this. A client that reads its socket and opens no window would else hold its responses for ever, for it
/// answers when it is asked whether it is still there. hyper lets nobody else see its streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    timeout: Duration,
}

impl Streams {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(HANDED.scope(Cell::new(0), watched(stream, self.timeout)));
    }
}

/// The stream until its end, or until it has waited too long for its client. What is dropped then is reset.
async fn watched(stream: impl Future<Output = ()>, timeout: Duration) {
    let mut stream = pin!(stream);
    let mut waits: Option<(u64, Pin<Box<Sleep>>)> = None;
    poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let handed = HANDED.with(Cell::get);
        if handed == 0 {
            waits = None;
            return Poll::Pending;
        }
        let (piece, end) = waits.get_or_insert_with(|| (handed, Box::pin(sleep(timeout))));
        if *piece != handed {
            *piece = handed;
            end.set(sleep(timeout));
        }
        let ended = end.as_mut().poll(cx);
        if ended.is_ready() {
            tracing::debug!("a client of HTTP/2 takes nothing of its response; its stream is reset");
        }
        ended
    })
    .await;
}

/// A response's body that is handed over in pieces, so that it is seen whether the client takes any.
#[derive(Debug)]
pub(super) struct Pieces {
    body: Body,
    /// What is left of its last data.
    left: Bytes,
}

impl Pieces {
    pub(super) fn of(body: Body) -> Self {
        Self { body, left: Bytes::new() }
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if self.left.is_empty() {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                HANDED.with(|handed| handed.set(0));
                return Poll::Pending;
            };
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.left = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
        HANDED.with(|handed| handed.set(handed.get() + 1));
        let length = self.left.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let whole = self.body.size_hint().exact().map(|rest| rest + self.left.len() as u64);
        whole.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
