//! Sending a request: the envelope, its deadline, the first attempt.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Request, Scope,
    buffer::{Replies, Reply, buffer},
    pending::{Entry, Ticket},
    shared::Shared,
    table::State,
};
use crate::{Envelope, Guid, Kind, Moment, Outcome, Result, Status, TraceContext, broker::Ack};

/// The broker and the worker get a little less time than the caller has, so that their verdict
/// (never started, or not finished in time) arrives before the caller gives up without one.
fn margin(left: Duration) -> Duration {
    if left >= MARGIN * 16 { MARGIN } else { left / 16 }
}

/// The largest margin. In less than that no further attempt is made: after a verdict that came
/// within the margin, another attempt would only replace it by a vaguer one.
pub(super) const MARGIN: Duration = Duration::from_millis(25);

/// A hundred years: the clock ends somewhere.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What is left for the broker and the worker.
pub(super) fn budget(left: Duration) -> Result<Duration> {
    if left.is_zero() {
        let message = "the deadline had passed before the request could be sent";
        return Err(Status::deadline_exceeded(message).with_outcome(Outcome::NotStarted));
    }
    Ok(left - margin(left))
}

impl Shared {
    pub(super) fn deadline(&self, now: Instant, timeout: Option<Duration>, scope: Option<&Scope>) -> Instant {
        self.deadline_and_time(now, timeout, scope).0
    }

    /// The deadline, and how long it is until then.
    fn deadline_and_time(&self, now: Instant, timeout: Option<Duration>, scope: Option<&Scope>) -> (Instant, Duration) {
        let own = timeout.unwrap_or_else(|| self.timeout()).min(self.options.max_timeout).min(LONGEST);
        match scope.and_then(|scope| scope.deadline) {
            Some(outer) if outer < now + own => (outer, outer.saturating_duration_since(now)),
            _ => (now + own, own),
        }
    }

    /// The inbox, if it opens by then.
    pub(super) async fn inbox_by(&self, deadline: Instant) -> Result<Guid> {
        tokio::time::timeout_at(deadline, self.inbox()).await.unwrap_or_else(|_| {
            let message = "the broker did not open an inbox before the deadline";
            Err(Status::unavailable(message).with_outcome(Outcome::NotStarted))
        })
    }

    /// Sends a request that expects replies; which, says `state`. Its deadline, if it has none yet,
    /// is counted from now.
    pub(super) fn begin(
        &self,
        request: &mut Request,
        (inbox, deadline): (Guid, Option<Instant>),
        state: State,
    ) -> Result<Sent> {
        let now = Instant::now();
        let moment = Moment::hold(now);
        let (deadline, left) = match deadline {
            Some(deadline) => (deadline, deadline.saturating_duration_since(now)),
            None => self.deadline_and_time(now, request.timeout, request.scope.as_deref()),
        };
        let budget = budget(left)?;
        let ticket = self.pending.enter(now, deadline, state)?;
        let mut envelope = Envelope::new(Kind::Call, ticket.id());
        envelope.reply_to = Some(inbox);
        envelope.budget = Some(budget);
        fill(&mut envelope, request);
        let envelope = Arc::new(envelope);
        let ack = self.broker.enqueue(&request.channel, Arc::clone(&envelope), request.enqueue);
        drop(moment);
        Ok(Sent { ticket, envelope, deadline, ack: Some(ack) })
    }

    /// Sends a request whose replies come through the channel.
    pub(super) async fn start_stream(&self, request: &mut Request) -> Result<(Entry, Replies)> {
        let deadline = self.deadline(Instant::now(), request.timeout, request.scope.as_deref());
        let inbox = self.inbox_by(deadline).await?;
        let (feed, replies) = buffer(&self.options);
        let sent = self.begin(request, (inbox, Some(deadline)), State::Stream(feed))?;
        let entry = Entry::new(&self.pending, sent.ticket);
        // At the deadline the table says how it has ended.
        if let Some(ack) = sent.ack
            && let Ok(accepted) = tokio::time::timeout_at(deadline, ack).await
        {
            accepted?;
        }
        Ok((entry, replies))
    }
}

/// Moves what a request carries into its envelope. What the request does not say, the call says on
/// whose behalf it is made.
pub(super) fn fill(envelope: &mut Envelope, request: &mut Request) {
    envelope.method = std::mem::take(&mut request.method);
    envelope.codec = request.codec;
    envelope.payload = std::mem::take(&mut request.payload);
    envelope.extras = std::mem::take(&mut request.extras);
    if let Some(scope) = &request.scope {
        if envelope.trace().is_none() {
            envelope.extras.set_trace(scope.trace.as_ref().map(TraceContext::child));
        }
        if envelope.principal().is_none() {
            envelope.extras.set_principal(scope.principal.clone());
        }
    }
}

/// A request that has been handed to the broker.
pub(super) struct Sent {
    pub(super) ticket: Ticket,
    /// For another attempt.
    pub(super) envelope: Arc<Envelope>,
    pub(super) deadline: Instant,
    /// None once the broker has accepted.
    pub(super) ack: Option<Ack>,
}

/// Waits for the broker's word and for the reply, whichever comes first. A reply says that the
/// broker has accepted.
pub(super) fn poll_sent(ack: &mut Option<Ack>, reply: Poll<Reply>, cx: &mut Context<'_>) -> Poll<Reply> {
    if reply.is_pending()
        && let Some(waiting) = ack
        && let Poll::Ready(accepted) = Pin::new(waiting).poll(cx)
    {
        *ack = None;
        if let Err(error) = accepted {
            return Poll::Ready(Err(error.into()));
        }
    }
    reply
}
