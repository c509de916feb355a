//! What is sent without a reply: casts and events.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{Request, Scope, attempt::fill, shared::Shared};
use crate::{Envelope, Guid, Kind, Ledger, Outcome, Result, Status, TopicName, broker::Ack};

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
        Err(ack) => timeout_at(deadline, ack).await.map_or_else(
            |_| {
                let message = "the broker did not confirm before the deadline";
                Err(Status::deadline_exceeded(message).with_outcome(Outcome::Unknown))
            },
            |result| result.map_err(Status::from),
        ),
    };
    if let Some(scope) = scope {
        scope.book.add(Ledger { sends: 1, ..Ledger::default() });
    }
    result
}
