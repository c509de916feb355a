//! [`Outbox`]: what is to be sent, what was sent and is not confirmed, and what is known of where it goes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_nats::{HeaderMap, Subject};
use skyloom_core::{
    Envelope, Guid,
    broker::{AckSender, BrokerError, ReplySink},
};
use tokio::time::Instant;

use super::names::Target;

/// What is shorter than this is not worth telling the budget.
const NEGLIGIBLE: Duration = Duration::from_millis(1);

/// How many messages may wait for a connection or for their stream.
const HELD_MESSAGES: usize = 10_000;

/// How many bytes may.
const HELD_BYTES: usize = 64 << 20;

/// How many messages may be sent and not confirmed yet.
const UNCONFIRMED: usize = 131_072;

/// How long a place for confirmations rests before it is used again.
const REST: Duration = Duration::from_millis(100);

/// How many places rest; of more, the one that has rested for longest is used.
const FREE: usize = 16_384;

/// Of how many streams it is remembered that they are there.
const ROUTES: usize = 10_000;

/// Who hears what becomes of a message.
#[derive(Debug)]
pub(super) enum Then {
    /// The sink of this inbox, if it is refused; the sender, if there still is one, when it is sent.
    Call { inbox: Guid, sent: Option<AckSender> },
    /// Whoever waits for its confirmation.
    Confirm(AckSender),
}

/// A message of the server that another one is to replace.
#[derive(Debug)]
pub(super) struct Replaced {
    /// Where to acknowledge it.
    pub(super) ack: Subject,
    /// What is said there if the other one is refused.
    pub(super) otherwise: String,
    /// From then on the server may give it to another worker, and there is to be no second one.
    pub(super) until: Instant,
}

/// A message on its way to the server.
pub(super) struct Outgoing {
    pub(super) target: Target,
    pub(super) envelope: Arc<Envelope>,
    pub(super) headers: Option<HeaderMap>,
    pub(super) then: Then,
    pub(super) since: Instant,
    /// What is done with when this is confirmed.
    pub(super) replaces: Option<Replaced>,
}

impl Outgoing {
    /// Whether it matters to nobody any more.
    pub(super) fn is_abandoned(&self) -> bool {
        if let Some(replaced) = &self.replaces {
            return replaced.until <= Instant::now();
        }
        match &self.then {
            Then::Call { sent, .. } => sent.as_ref().is_some_and(AckSender::is_abandoned),
            Then::Confirm(sender) => sender.is_abandoned(),
        }
    }

    /// When it need not be sent any more.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.envelope.budget.and_then(|budget| self.since.checked_add(budget))
    }

    /// The envelope with what is left of its budget.
    pub(super) fn aged(&self) -> Cow<'_, Envelope> {
        let age = self.since.elapsed();
        match self.envelope.budget {
            Some(budget) if age >= NEGLIGIBLE => {
                let budget = Some(budget.saturating_sub(age).max(NEGLIGIBLE));
                Cow::Owned(Envelope { budget, ..Envelope::clone(&self.envelope) })
            }
            _ => Cow::Borrowed(&self.envelope),
        }
    }

    /// What became of it.
    pub(super) fn settle(self, result: Result<(), BrokerError>) -> Verdict {
        Verdict { call: self.envelope.id, then: self.then, result }
    }
}

/// Something that somebody has to be told, once the outbox is not locked any more.
pub(super) struct Verdict {
    call: Guid,
    then: Then,
    result: Result<(), BrokerError>,
}

impl Verdict {
    /// Tells it; `sink` finds the sink of an inbox.
    pub(super) fn tell(self, sink: impl FnOnce(Guid) -> Option<Arc<dyn ReplySink>>) {
        match (self.then, self.result) {
            (Then::Confirm(sender) | Then::Call { sent: Some(sender), .. }, result) => sender.send(result),
            (Then::Call { inbox, sent: None }, Err(error)) => {
                if let Some(sink) = sink(inbox) {
                    sink.refused(self.call, error);
                }
            }
            (Then::Call { sent: None, .. }, Ok(())) => {}
        }
    }
}

/// What is known of where messages go.
pub(super) struct Route {
    pub(super) subject: Subject,
    /// The stream is known to be there.
    pub(super) ready: bool,
    /// Somebody is making sure that it is.
    pub(super) busy: bool,
    /// It was there and took nothing: it is not asked again at once.
    pub(super) failed: bool,
}

/// A message that was sent and is not confirmed yet.
pub(super) struct Sent {
    /// The number under which it was handed in.
    number: u64,
    pub(super) outgoing: Outgoing,
    pub(super) at: Instant,
}

#[derive(Default)]
pub(super) struct Outbox {
    pub(super) routes: HashMap<Target, Route, foldhash::fast::RandomState>,
    pub(super) sinks: HashMap<Guid, Arc<dyn ReplySink>, foldhash::fast::RandomState>,
    /// By the order in which they were handed in.
    held: BTreeMap<u64, Outgoing>,
    held_bytes: usize,
    /// By the place where its confirmation comes.
    sent: HashMap<u64, Sent, foldhash::fast::RandomState>,
    /// Places whose confirmation has come, and when. A server is quick with subjects that it has seen lately.
    free: VecDeque<(u64, Instant)>,
    places: u64,
    numbers: u64,
}

impl Outbox {
    /// The number under which the next message is handed in.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn route(&mut self, target: &Target, subject: impl FnOnce() -> String) -> &mut Route {
        if self.routes.len() >= ROUTES && !self.routes.contains_key(target) {
            self.routes.retain(|_, route| route.busy);
        }
        let new = || Route { subject: subject().into(), ready: false, busy: false, failed: false };
        self.routes.entry(target.clone()).or_insert_with(new)
    }

    /// The subject of a target that something was sent to before.
    pub(super) fn subject(&self, target: &Target) -> Option<Subject> {
        self.routes.get(target).map(|route| route.subject.clone())
    }

    /// Keeps a message until it can be sent.
    pub(super) fn hold(&mut self, number: u64, outgoing: Outgoing) -> Result<(), Verdict> {
        let size = outgoing.envelope.size();
        if self.is_full(size) {
            // Nobody waits for these any more.
            self.take_held(Outgoing::is_abandoned);
        }
        if self.is_full(size) {
            let what = "what may wait for the broker, which is away,".to_owned();
            let limit = format!("{HELD_MESSAGES} messages or {HELD_BYTES} bytes");
            return Err(outgoing.settle(Err(BrokerError::Full { what, limit })));
        }
        self.held_bytes += size;
        self.held.insert(number, outgoing);
        Ok(())
    }

    fn is_full(&self, size: usize) -> bool {
        self.held.len() >= HELD_MESSAGES || self.held_bytes + size > HELD_BYTES
    }

    pub(super) fn holds(&self, target: &Target) -> bool {
        self.held.values().any(|held| held.target == *target)
    }

    /// Whether something waits to be sent.
    pub(super) fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether everything was sent and confirmed.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.sent.is_empty()
    }

    /// Takes out what is held and meant, in order.
    pub(super) fn take_held(&mut self, meant: impl Fn(&Outgoing) -> bool) -> Vec<(u64, Outgoing)> {
        let taken: Vec<_> = self.held.extract_if(.., |_, held| meant(held)).collect();
        self.held_bytes -= taken.iter().map(|(_, held)| held.envelope.size()).sum::<usize>();
        taken
    }

    /// Takes out what nobody waits for any more, or what has waited until its deadline.
    pub(super) fn take_stale(&mut self, now: Instant) -> Vec<(u64, Outgoing)> {
        self.take_held(|held| held.is_abandoned() || held.expires().is_some_and(|at| at <= now))
    }

    /// The calls that were not sent yet.
    pub(super) fn unsent(&self) -> HashSet<Guid> {
        self.held.values().map(|held| held.envelope.id).collect()
    }

    /// That nothing more can be sent before something is confirmed.
    pub(super) fn congestion(&self) -> Option<BrokerError> {
        (self.sent.len() >= UNCONFIRMED).then(|| {
            let what = "what the broker has not confirmed yet".to_owned();
            BrokerError::Full { what, limit: format!("{UNCONFIRMED} messages") }
        })
    }

    /// A place for a confirmation. One that was waited for in vain is never used again, and one whose confirmation has
    /// come not at once: a second one, of whoever else listens to the subject, would confirm another message.
    pub(super) fn place(&mut self) -> u64 {
        let is_full = self.free.len() >= FREE;
        if let Some((place, _)) = self.free.pop_front_if(|(_, since)| is_full || since.elapsed() >= REST) {
            return place;
        }
        self.places += 1;
        self.places
    }

    pub(super) fn note_sent(&mut self, place: u64, number: u64, outgoing: Outgoing) {
        self.sent.insert(place, Sent { number, outgoing, at: Instant::now() });
    }

    /// What was confirmed at a place, and its number.
    pub(super) fn confirmed(&mut self, place: u64) -> Option<(u64, Outgoing)> {
        let sent = self.sent.remove(&place)?;
        self.free.push_back((place, Instant::now()));
        Some((sent.number, sent.outgoing))
    }

    /// Takes out what was sent and is meant.
    pub(super) fn take_sent(&mut self, meant: impl Fn(&Sent) -> bool) -> Vec<Outgoing> {
        self.sent.extract_if(|_, sent| meant(sent)).map(|(_, sent)| sent.outgoing).collect()
    }

    pub(super) fn sink(&self, inbox: Guid) -> Option<Arc<dyn ReplySink>> {
        self.sinks.get(&inbox).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Outgoing {
        let (sender, _) = skyloom_core::broker::Ack::waiting();
        let envelope = Arc::new(Envelope::new(skyloom_core::Kind::Cast, Guid::call()));
        let target = Target::Instance(Guid::private());
        let then = Then::Confirm(sender);
        Outgoing { target, envelope, headers: None, then, since: Instant::now(), replaces: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_confirmation_confirms_nothing() {
        let mut outbox = Outbox::default();
        let first = outbox.place();
        outbox.note_sent(first, 1, sent());
        assert!(outbox.confirmed(first).is_some());
        for number in 2..100 {
            let place = outbox.place();
            outbox.note_sent(place, number, sent());
            assert!(outbox.confirmed(first).is_none(), "its place is another's");
            assert!(outbox.confirmed(place).is_some());
        }
        tokio::time::advance(REST).await;
        assert_eq!(outbox.place(), first, "later it is used again");
    }
}
