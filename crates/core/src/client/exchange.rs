//! A whole call: its attempts until one settles it.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::{
    Request,
    attempt::{MARGIN, Sent, budget, poll_sent},
    pending::Entry,
    request::{Reply, sending_cost},
    retry::{is_retryable, pause},
    shared::Shared,
    table::State,
};
use crate::{Channel, Codec, Envelope, Guid, Ledger, Outcome, Result, Status, broker::BoxFuture};

/// A call from its request to its reply. Written by hand, for it is on the way of every call: what
/// few calls need, such as the first inbox or another attempt, is in a box of its own.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    pub(super) request: Request,
    stage: Stage,
    /// Whether what it costs goes to the ledger of the call on whose behalf it is made.
    booked: bool,
}

enum Stage {
    /// To be sent, under this inbox if it is known already.
    New(Option<(Guid, Instant)>),
    Sent(Sent),
    Boxed(BoxFuture<'static, Result<Reply>>),
    Over,
}

impl Exchange {
    #[inline]
    pub(super) const fn new(shared: Arc<Shared>, request: Request) -> Self {
        Self { shared, request, stage: Stage::New(None), booked: true }
    }

    /// The request, for another way of sending it. On whose behalf it is made stays known here.
    pub(super) fn take_request(&mut self) -> Request {
        let mut nothing = Request::new(Channel::Instance(Guid::default()), "", Codec::default(), Bytes::new());
        nothing.scope.clone_from(&self.request.scope);
        std::mem::replace(&mut self.request, nothing)
    }

    fn begin(&mut self, inbox: Option<(Guid, Instant)>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let inbox = match inbox {
            Some((inbox, deadline)) => (inbox, Some(deadline)),
            None => match self.shared.open_inbox() {
                Some(inbox) => (inbox, None),
                None => return self.go_on(|shared, request| Box::pin(open_and_send(shared, request)), cx),
            },
        };
        self.shared.budget.deposit();
        // The waker is in the table before the request is sent, so that there is no need to look
        // there now.
        let state = State::Waiting(cx.waker().clone());
        let Self { shared, request, .. } = self;
        let mut sent = shared.begin(request, inbox, state)?;
        match sent.ack.take().map(crate::broker::Ack::into_ready) {
            Some(Ok(Ok(()))) | None => {
                self.stage = Stage::Sent(sent);
                Poll::Pending
            }
            Some(Ok(Err(error))) => self.settle(sent, Err(error.into()), cx),
            Some(Err(ack)) => {
                sent.ack = Some(ack);
                self.stage = Stage::Sent(sent);
                self.poll_reply(cx)
            }
        }
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let Stage::Sent(sent) = &mut self.stage else { return Poll::Pending };
        let reply = self.shared.pending.poll_reply(&mut sent.ticket, cx);
        let reply = ready!(poll_sent(&mut sent.ack, reply, cx));
        match (std::mem::replace(&mut self.stage, Stage::Over), reply) {
            // The call has left the table with its reply.
            (_, Ok(envelope)) if envelope.status.is_none() => Poll::Ready(Ok(Reply(envelope))),
            (Stage::Sent(sent), reply) => self.settle(sent, reply, cx),
            _ => Poll::Pending,
        }
    }

    fn settle(&mut self, sent: Sent, reply: Result<Arc<Envelope>>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        match settled(reply, Ledger::default()) {
            Ok(reply) => Poll::Ready(Ok(reply)),
            Err(status) => self.go_on(|shared, request| Box::pin(retry(shared, request, sent, status)), cx),
        }
    }

    fn go_on(
        &mut self,
        how: impl FnOnce(Arc<Shared>, Request) -> BoxFuture<'static, Result<Reply>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply>> {
        let request = self.take_request();
        let mut future = how(Arc::clone(&self.shared), request);
        let polled = future.as_mut().poll(cx);
        self.stage = Stage::Boxed(future);
        polled
    }
}

impl Future for Exchange {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let result = ready!(match &mut self.stage {
            Stage::Sent(_) => self.poll_reply(cx),
            Stage::New(inbox) => {
                let inbox = inbox.take();
                self.begin(inbox, cx)
            }
            Stage::Boxed(future) => future.as_mut().poll(cx),
            Stage::Over => Poll::Pending,
        });
        if self.booked
            && let Some(scope) = &self.request.scope
        {
            scope.book.add(result.as_ref().map_or_else(Status::ledger, Reply::ledger));
        }
        Poll::Ready(result)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Stage::Sent(sent) = &mut self.stage {
            self.shared.pending.leave(&mut sent.ticket);
        }
    }
}

/// The first call of a client opens its inbox, in the call's own time.
async fn open_and_send(shared: Arc<Shared>, request: Request) -> Result<Reply> {
    let deadline = shared.deadline(Instant::now(), request.timeout, request.scope.as_deref());
    let mut number = 1;
    let inbox = loop {
        let status = match shared.inbox_by(deadline).await {
            Ok(inbox) => break inbox,
            Err(status) => status,
        };
        let Some(again) = again(&shared, &status, number, &request, deadline) else { return Err(status) };
        number += 1;
        sleep_until(again).await;
    };
    Exchange { shared, request, stage: Stage::New(Some((inbox, deadline))), booked: false }.await
}

async fn retry(shared: Arc<Shared>, request: Request, sent: Sent, first: Status) -> Result<Reply> {
    let Sent { ticket, mut envelope, deadline, .. } = sent;
    let mut entry = Entry::new(&shared.pending, ticket);
    let (mut number, mut status) = (1, first);
    while let Some(again) = again(&shared, &status, number, &request, deadline) {
        number += 1;
        sleep_until(again).await;
        // A process that was stopped or busy meanwhile may wake too late for another attempt. Then how the last one
        // ended is how the call has.
        let Ok(left) = budget(deadline.saturating_duration_since(Instant::now())) else { break };
        // An attempt that was never sent is not repeated by the next.
        let spent = status.ledger();
        let spent = spent.merge(Ledger { retries: spent.sends.min(1), ..Ledger::default() });
        let mut copy = Envelope::clone(&envelope);
        (copy.budget, copy.ledger) = (Some(left), spent);
        envelope = Arc::new(copy);
        poll_fn(|cx| {
            entry.wait_again(cx.waker(), deadline);
            Poll::Ready(())
        })
        .await;
        let mut ack = Some(shared.broker.enqueue(&request.channel, Arc::clone(&envelope), request.enqueue));
        let reply = poll_fn(|cx| {
            let reply = entry.poll_reply(cx);
            poll_sent(&mut ack, reply, cx)
        });
        match settled(reply.await, spent) {
            Ok(reply) => return Ok(reply),
            Err(failed) => status = after(&status, failed),
        }
    }
    Err(status)
}

/// How a call has ended whose last attempt failed like this: that the last was not started says nothing of those
/// before it. What the handler said of its own attempt still holds.
fn after(before: &Status, last: Status) -> Status {
    match (before.outcome(), last.outcome()) {
        (Outcome::Unknown, Outcome::NotStarted) => last.with_outcome(Outcome::Unknown),
        (Outcome::Known, Outcome::NotStarted) => {
            last.with_outcome(Outcome::Known).with_retry_safe(before.is_retry_safe()).received()
        }
        _ => last,
    }
}

/// When to try again after attempt `number`; none if that is not allowed, not useful, or too late.
/// Without time for another attempt, why this one failed is what there is to say.
fn again(shared: &Shared, status: &Status, number: u32, request: &Request, deadline: Instant) -> Option<Instant> {
    let policy = &shared.options.retry;
    if number >= policy.attempts || !is_retryable(status, request.idempotent) {
        return None;
    }
    let again = Instant::now() + pause(policy, number + 1);
    (again + MARGIN < deadline && shared.budget.withdraw()).then_some(again)
}

/// The reply, or why there is none, with what the call has cost; `spent` is what it had cost before.
fn settled(reply: Result<Arc<Envelope>>, spent: Ledger) -> Result<Reply> {
    match reply {
        Ok(envelope) if envelope.status.is_none() => Ok(Reply(envelope)),
        Ok(envelope) => Err(Reply(envelope).into_status()),
        Err(status) => {
            let cost = spent.merge(sending_cost(Some(&status)));
            Err(status.with_ledger(cost))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{after, settled};
    use crate::{Code, Ledger, Outcome, Status};

    #[test]
    fn what_was_never_sent_costs_nothing() {
        let before = Ledger { sends: 1, retries: 1, ..Ledger::default() };
        let cost = |status: Status| settled(Err(status), before).err().map(|status| status.ledger().sends);
        assert_eq!(cost(Status::unavailable("no broker").with_outcome(Outcome::NotStarted)), Some(1));
        assert_eq!(cost(Status::resource_exhausted("full").with_outcome(Outcome::NotStarted)), Some(2));
        assert_eq!(cost(Status::aborted("lost").with_outcome(Outcome::Unknown)), Some(2));
    }

    #[test]
    fn an_attempt_that_was_not_started_does_not_undo_an_earlier_one() {
        let unsent = || Status::unavailable("no broker").with_outcome(Outcome::NotStarted);
        let lost = Status::aborted("lost").with_outcome(Outcome::Unknown);
        assert_eq!(after(&lost, unsent()).outcome(), Outcome::Unknown);
        assert_eq!(after(&unsent(), unsent()).outcome(), Outcome::NotStarted);
        assert_eq!(after(&lost, Status::internal("no")).outcome(), Outcome::Known);
    }

    #[test]
    fn an_attempt_that_was_not_started_does_not_undo_what_a_handler_has_said() {
        let unsent = || Status::unavailable("no broker").with_outcome(Outcome::NotStarted);
        for (safe, code) in [(true, Code::Unavailable), (false, Code::Aborted)] {
            let said = Status::new(code, "busy").with_retry_safe(safe);
            let status = after(&said, unsent());
            assert_eq!((status.outcome(), status.is_retry_safe()), (Outcome::Known, safe));
            assert!(!status.executed().is_retry_safe(), "it is no word of a handler that passes it on");
        }
    }
}
