//! What happens to the connection, and what time alone brings about.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_nats::{Event, ServerError};
use skyloom_core::broker::BrokerError;
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use super::{
    link::{ANSWER_TIME, Link, Phase},
    names::Target,
    outbox::Then,
};

/// How often it is seen whether what waits still may.
const ROUND: Duration = Duration::from_millis(50);

/// Follows the connection's events until it is closed.
pub(super) async fn keep(link: Arc<Link>, mut events: UnboundedReceiver<Event>) {
    loop {
        let waits = !link.outbox().is_empty();
        let round = async {
            if waits {
                tokio::time::sleep(ROUND).await;
            } else {
                link.chores.notified().await;
            }
        };
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => link.happened(&event),
                None => return link.close(),
            },
            () = round => link.sweep(Instant::now()),
            () = link.closed() => return,
        }
    }
}

/// The subject of which the server says that we have no permission for it.
fn forbidden_subject(error: &str) -> Option<&str> {
    if !error.contains("Permissions Violation") {
        return None;
    }
    error.split('"').nth(1)
}

impl Link {
    fn happened(self: &Arc<Self>, event: &Event) {
        match event {
            Event::Disconnected if self.phase() == Phase::Live => {
                tracing::info!(address = self.address, "the connection to the broker has ended");
                self.note_break();
                self.phase.send_replace(Phase::Away);
                self.lose(&BrokerError::lost(format!("the connection to {} broke", self.address)));
            }
            Event::Connected if self.phase() == Phase::Away => {
                tracing::info!(address = self.address, "the connection to the broker is back");
                self.phase.send_replace(Phase::Live);
                self.flush();
            }
            Event::ServerError(ServerError::Other(error)) => {
                if let Some(subject) = forbidden_subject(error) {
                    tracing::warn!(subject, "the broker says that we have no permission for this");
                    self.note_forbidden(subject);
                    self.refuse_forbidden(subject);
                }
            }
            Event::Closed => self.close(),
            _ => {}
        }
    }

    /// What was sent and is not confirmed has an unknown outcome, and replies may have been lost.
    fn lose(&self, error: &BrokerError) {
        let (sent, sinks, unsent) = {
            let mut outbox = self.outbox();
            let sent = outbox.take_sent(|_| true);
            let mut unsent = outbox.unsent();
            unsent.extend(self.gathered().unsent());
            (sent, outbox.sinks.values().cloned().collect::<Vec<_>>(), unsent)
        };
        for outgoing in sent {
            // A call hears it through its inbox, below.
            if matches!(outgoing.then, Then::Confirm(_)) {
                self.tell(Some(outgoing.settle(Err(error.clone()))));
            }
        }
        for sink in sinks {
            sink.lost(error.clone(), &unsent);
        }
    }

    fn refuse_forbidden(&self, subject: &str) {
        let refused = {
            let mut outbox = self.outbox();
            let targets: Vec<Target> = outbox
                .routes
                .iter()
                .filter(|(_, route)| route.subject.as_str() == subject)
                .map(|(target, _)| target.clone())
                .collect();
            outbox.take_sent(|sent| targets.contains(&sent.outgoing.target))
        };
        for outgoing in refused {
            self.tell(Some(outgoing.settle(Err(Self::no_permission(subject)))));
        }
    }

    /// Ends what has waited for too long.
    fn sweep(&self, now: Instant) {
        let (stale, silent) = {
            let mut outbox = self.outbox();
            let silent = outbox.take_sent(|sent| now.saturating_duration_since(sent.at) >= ANSWER_TIME);
            (outbox.take_stale(now), silent)
        };
        for (_, outgoing) in stale {
            self.tell(Some(outgoing.settle(Err(self.waited_in_vain()))));
        }
        for outgoing in silent {
            // A call may still be answered, and ends by its deadline.
            if matches!(outgoing.then, Then::Confirm(_)) {
                let error = BrokerError::lost(format!("{} did not confirm it in {ANSWER_TIME:?}", self.address));
                self.tell(Some(outgoing.settle(Err(error))));
            }
        }
    }

    fn waited_in_vain(&self) -> BrokerError {
        match self.phase() {
            Phase::Live => BrokerError::unavailable("JetStream was not ready to take it before its deadline"),
            _ => self.away(),
        }
    }

    /// Closes the connection for everybody. What was held is not sent any more.
    pub(super) fn close(&self) {
        let was = self.phase.send_replace(Phase::Closed);
        if was == Phase::Closed {
            return;
        }
        self.is_over.store(true, Ordering::Relaxed);
        let held = self.outbox().take_held(|_| true);
        for (_, outgoing) in held {
            self.tell(Some(outgoing.settle(Err(self.away()))));
        }
        self.lose(&BrokerError::lost("the connection was closed"));
    }
}

#[cfg(test)]
mod tests {
    use super::forbidden_subject;

    #[test]
    fn the_server_names_the_subject_that_is_forbidden() {
        let error = r#"Permissions Violation for Publish to "skyloom.queue.a=v1""#;
        assert_eq!(forbidden_subject(error), Some("skyloom.queue.a=v1"));
        assert_eq!(forbidden_subject("Stale Connection"), None);
    }
}
