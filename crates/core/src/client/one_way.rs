//! What is sent without a reply: casts and events.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Request, Scope, attempt::fill, request::sending_cost, shared::Shared};
use crate::{Envelope, Guid, Kind, Outcome, Result, Status, TopicName, broker::Ack};

/// How long an adapter has to say that what was taken back was not sent. It looks every 20 ms, and what was sent before
/// may be confirmed as long.
const ANSWER_TIME: Duration = Duration::from_millis(50);

impl Shared {
    pub(super) async fn cast(&self, mut request: Request) -> Result<()> {
        let deadline = self.deadline(Instant::now(), request.timeout, request.scope.as_deref());
        let envelope = envelope(Kind::Cast, &mut request);
        let ack = self.broker.enqueue(&request.channel, envelope, request.enqueue);
        confirmed(ack, deadline, request.scope.as_deref()).await
    }

    pub(super) async fn publish(&self, topic: &TopicName, mut request: Request) -> Result<()> {
        let deadline = self.deadline(Instant::now(), None, request.scope.as_deref());
        let envelope = envelope(Kind::Event, &mut request);
        confirmed(self.broker.publish(topic, envelope), deadline, request.scope.as_deref()).await
    }
}

fn envelope(kind: Kind, request: &mut Request) -> Arc<Envelope> {
    let mut envelope = Envelope::new(kind, Guid::call());
    fill(&mut envelope, request);
    Arc::new(envelope)
}

async fn confirmed(ack: Ack, deadline: Instant, scope: Option<&Scope>) -> Result<()> {
    let result = match ack.into_ready() {
        Ok(result) => result.map_err(Status::from),
        Err(ack) => in_time(ack, deadline).await,
    };
    if let Some(scope) = scope {
        scope.book.add(sending_cost(result.as_ref().err()));
    }
    result
}

/// Waits for the broker's word. What still waits for a connection shortly before the deadline is taken back, so that it is
/// certain by then that it was never sent.
async fn in_time(mut ack: Ack, deadline: Instant) -> Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if let Ok(result) = timeout_at(deadline - (left / 4).min(ANSWER_TIME), &mut ack).await {
        return Ok(result?);
    }
    ack.withdraw();
    let Ok(result) = timeout_at(deadline, ack).await else {
        let message = "the broker did not confirm before the deadline";
        return Err(Status::deadline_exceeded(message).with_outcome(Outcome::Unknown));
    };
    Ok(result?)
}
