//! One attempt of one call.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    Request, Scope,
    pending::{Entry, Waiter},
    shared::Shared,
};
use crate::{Envelope, Extras, Guid, Kind, Ledger, Outcome, Result, Status};

/// One attempt of a call.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) id: Guid,
    pub(super) deadline: Instant,
    pub(super) scope: Option<&'a Scope>,
    /// 1 for the first.
    pub(super) number: u32,
    /// What the earlier attempts have cost, this retry included.
    pub(super) spent: Ledger,
}

/// The broker and the worker get a little less time than the caller has, so that their verdict
/// (never started, or not finished in time) arrives before the caller gives up without one.
fn margin(left: Duration) -> Duration {
    (left / 16).min(MARGIN)
}

/// The largest margin. In less than that no further attempt is made: after a verdict that came
/// within the margin, another attempt would only replace it by a vaguer one.
pub(super) const MARGIN: Duration = Duration::from_millis(25);

fn no_time() -> Status {
    Status::deadline_exceeded("the deadline had passed before the request could be sent")
        .with_outcome(Outcome::NotStarted)
}

impl Shared {
    pub(super) fn deadline(&self, timeout: Option<Duration>, scope: Option<&Scope>) -> Instant {
        let own = Instant::now() + timeout.unwrap_or(self.options.timeout).min(self.options.max_timeout);
        scope.and_then(|scope| scope.deadline).map_or(own, |outer| own.min(outer))
    }

    /// The envelope of a request, a cast or an event.
    pub(super) fn envelope(&self, kind: Kind, request: &Request, id: Guid, scope: Option<&Scope>) -> Envelope {
        let trace = request
            .trace
            .clone()
            .or_else(|| scope.and_then(|scope| scope.trace.as_ref().map(crate::TraceContext::child)));
        let principal = request.principal.clone().or_else(|| scope.and_then(|scope| scope.principal.clone()));
        Envelope {
            method: request.method.clone(),
            codec: request.codec,
            payload: request.payload.clone(),
            extras: Extras::new().with_headers(request.headers.clone()).with_trace(trace).with_principal(principal),
            ..Envelope::new(kind, id)
        }
    }

    fn call_envelope(&self, request: &Request, attempt: Attempt<'_>, inbox: Guid) -> Result<Arc<Envelope>> {
        let left = attempt.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(no_time());
        }
        let mut envelope = self.envelope(Kind::Call, request, attempt.id, attempt.scope);
        envelope.reply_to = Some(inbox);
        envelope.budget = Some(left - margin(left));
        envelope.ledger = attempt.spent;
        Ok(Arc::new(envelope))
    }

    async fn inbox_by(&self, deadline: Instant) -> Result<Guid> {
        tokio::time::timeout_at(deadline, self.inbox()).await.unwrap_or_else(|_| {
            let message = "the broker did not open an inbox before the deadline";
            Err(Status::unavailable(message).with_outcome(Outcome::NotStarted))
        })
    }

    /// Sends a request and waits for its final reply.
    pub(super) async fn attempt(&self, request: &Request, attempt: Attempt<'_>) -> Result<Arc<Envelope>> {
        let inbox = match self.open_inbox() {
            Some(inbox) => inbox,
            None => self.inbox_by(attempt.deadline).await?,
        };
        let (sender, mut receiver) = oneshot::channel();
        let entry = self.pending.insert(attempt.id, attempt.deadline, Waiter::Unary(sender))?;
        let envelope = self.call_envelope(request, attempt, inbox)?;
        match self.broker.enqueue(&request.channel, envelope, request.enqueue).into_ready() {
            Ok(accepted) => accepted?,
            Err(ack) => tokio::select! {
                biased;
                reply = &mut receiver => return entry.ended(flatten(reply)),
                accepted = ack => accepted?,
            },
        }
        entry.ended(flatten(receiver.await))
    }

    /// Sends a request whose replies come through the channel.
    pub(super) async fn start_stream(&self, request: &Request, attempt: Attempt<'_>) -> Result<(Entry, Replies)> {
        let inbox = self.inbox_by(attempt.deadline).await?;
        let (sender, receiver) = mpsc::channel(self.options.stream_buffer.max(1));
        let entry = self.pending.insert(attempt.id, attempt.deadline, Waiter::Stream(sender))?;
        let envelope = self.call_envelope(request, attempt, inbox)?;
        self.broker.enqueue(&request.channel, envelope, request.enqueue).await?;
        Ok((entry, receiver))
    }
}

/// The replies of a streaming call as they come.
pub(super) type Replies = mpsc::Receiver<Result<Arc<Envelope>>>;

fn flatten(reply: Result<Result<Arc<Envelope>>, oneshot::error::RecvError>) -> Result<Arc<Envelope>> {
    reply.unwrap_or_else(|_| {
        let message = "the client was closed while the call was under way";
        Err(Status::aborted(message).with_outcome(Outcome::Unknown))
    })
}

/// What one attempt costs on the caller's side.
pub(super) fn own_cost(receives: u32) -> Ledger {
    Ledger { sends: 1, receives, settles: 0, retries: 0 }
}
