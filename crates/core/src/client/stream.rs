//! The replies of a streaming call.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::{Request, Response, buffer::Replies, pending::Entry, request::own_cost, shared::Shared};
use crate::{Envelope, Guid, Headers, Kind, Ledger, LedgerBook, Result, Status};

/// Encoded partial replies as they come. Dropping it before its end tells the worker to stop.
pub struct ResponseStream {
    entry: Entry,
    replies: Replies,
    first: Option<Arc<Envelope>>,
    origin: Option<Guid>,
    headers: Headers,
    ledger: Ledger,
    book: Option<Arc<LedgerBook>>,
    ended: bool,
    /// Keeps the inbox open that the replies come to, also when nobody has the client any more.
    _client: Arc<Shared>,
}

impl ResponseStream {
    /// Waits until the stream has started.
    async fn open(
        client: Arc<Shared>,
        (entry, mut replies): (Entry, Replies),
        book: Option<Arc<LedgerBook>>,
    ) -> Result<Self> {
        let first = replies.next().await.unwrap_or_else(|| Err(Status::aborted("the client was closed")))?;
        let ledger = own_cost(0);
        let failed = first.kind == Kind::Reply && first.status.is_some();
        let mut stream = Self {
            entry,
            replies,
            origin: first.origin,
            headers: first.headers().clone(),
            first: None,
            ledger,
            book,
            ended: false,
            _client: client,
        };
        if failed {
            return match stream.take(first) {
                Some(Err(status)) => Err(status),
                _ => Err(Status::internal("a failed reply without a status")),
            };
        }
        stream.first = Some(first);
        Ok(stream)
    }

    /// The headers that the handler set before its first message.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// What the call has cost so far; complete once the stream has ended.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// The next reply, or `None` after the last.
    ///
    /// # Errors
    /// The status that ended the stream; nothing follows it.
    pub async fn next(&mut self) -> Option<Result<Response>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Response>>> {
        while !self.ended {
            let envelope = match self.first.take() {
                Some(envelope) => Ok(envelope),
                None => match ready!(self.replies.poll_next(cx)) {
                    Some(reply) => reply,
                    None => Err(Status::aborted("the client was closed")),
                },
            };
            let item = match envelope {
                Ok(envelope) => self.take(envelope),
                Err(status) => {
                    self.end();
                    Some(Err(status.with_ledger(self.ledger)))
                }
            };
            if item.is_some() {
                return Poll::Ready(item);
            }
        }
        Poll::Ready(None)
    }

    fn take(&mut self, envelope: Arc<Envelope>) -> Option<Result<Response>> {
        self.origin = envelope.origin.or(self.origin);
        self.ledger.receives = self.ledger.receives.saturating_add(1);
        match envelope.kind {
            Kind::Started => None,
            Kind::Partial => Some(Response::from_envelope(Arc::unwrap_or_clone(envelope), Ledger::default())),
            _ => {
                let nothing_more = envelope.status.is_none() && envelope.payload.is_empty();
                self.ledger = self.ledger.merge(envelope.ledger);
                self.end();
                let last = Envelope { ledger: Ledger::default(), ..Arc::unwrap_or_clone(envelope) };
                (!nothing_more).then(|| Response::from_envelope(last, self.ledger))
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        if let Some(book) = self.book.take() {
            book.add(self.ledger);
        }
    }
}

impl Shared {
    /// Sends a request to a streaming method and waits until the stream has started.
    pub(super) async fn open_stream(self: Arc<Self>, mut request: Request) -> Result<ResponseStream> {
        let started = self.start_stream(&mut request).await?;
        ResponseStream::open(self, started, request.scope.map(|scope| Arc::clone(&scope.book))).await
    }
}

impl Stream for ResponseStream {
    type Item = Result<Response>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl Drop for ResponseStream {
    fn drop(&mut self) {
        if !self.ended {
            self.end();
            self.entry.cancel(self.origin);
        }
    }
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}
