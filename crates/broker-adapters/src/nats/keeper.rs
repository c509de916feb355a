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
    outbox::{Outbox, Then},
};

/// How often it is seen whether what was sent is confirmed.
const ROUND: Duration = Duration::from_millis(50);

/// How often it is seen whether what waits to be sent still may. Callers leave 25 ms of their time for the answer.
const GLANCE: Duration = Duration::from_millis(20);

/// Follows the connection's events until it is closed.
pub(super) async fn keep(link: Arc<Link>, mut events: UnboundedReceiver<Event>) {
    loop {
        let rest = rest(&link.outbox());
        let round = async {
            match rest {
                Some(rest) => tokio::time::sleep(rest).await,
                None => link.chores.notified().await,
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

/// How long nobody has to look; for as long as nothing is sent, if there is nothing to look after.
fn rest(outbox: &Outbox) -> Option<Duration> {
    match (outbox.is_empty(), outbox.holds_any()) {
        (true, _) => None,
        (false, true) => Some(GLANCE),
        (false, false) => Some(ROUND),
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
    use std::sync::Arc;

    use skyloom_core::{Envelope, Guid, Kind, broker::Ack};

    use super::{super::outbox::Outgoing, *};

    /// Callers leave so much of their time for the broker's word.
    const MARGIN: Duration = Duration::from_millis(25);

    #[test]
    fn who_waits_for_a_connection_is_told_before_his_time_is_up() {
        let mut outbox = Outbox::default();
        assert_eq!(rest(&outbox), None);
        let (sender, _) = Ack::waiting();
        let envelope = Arc::new(Envelope::new(Kind::Call, Guid::call()));
        let (target, then, since) = (Target::Instance(Guid::private()), Then::Confirm(sender), Instant::now());
        let held = Outgoing { target, envelope, headers: None, then, since, replaces: None };
        assert!(outbox.hold(1, held).is_ok());
        assert!(rest(&outbox).is_some_and(|rest| rest < MARGIN));
    }

    #[test]
    fn the_server_names_the_subject_that_is_forbidden() {
        let error = r#"Permissions Violation for Publish to "skyloom.queue.a=v1""#;
        assert_eq!(forbidden_subject(error), Some("skyloom.queue.a=v1"));
        assert_eq!(forbidden_subject("Stale Connection"), None);
    }
}
