//! What a change of the connection brings about.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use skyloom_broker::{
    engine::Ticket,
    wire::{Accepted, ClientFrame},
};
use skyloom_core::{
    Guid,
    broker::{BrokerError, ReplySink},
};
use tokio::time::Instant;

use super::{
    frames::{self, Class, OwnedFrame, class, set_ticket, take_ticket, unwritten},
    held::{HeldFrame, Then},
    standing::Fallen,
    state::{Phase, State},
    tickets::{Verdict, Waiting},
};

/// How long after the return of a broker that has lost the registry somebody who was known may still be on the way: the
/// longest pause between two attempts to connect, and time to register.
const RETURN: Duration = Duration::from_secs(3);

/// What is to be told and dropped once the lock is released.
#[derive(Default)]
#[must_use = "somebody waits for it"]
pub(super) struct Changes {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) fallen: Vec<Fallen>,
    pub(super) lost: Option<LostInboxes>,
}

/// Inboxes whose replies do not come any more.
pub(super) struct LostInboxes {
    sinks: Vec<Arc<dyn ReplySink>>,
    error: BrokerError,
    unsent: HashSet<Guid>,
}

/// How long a state has been there, if it is in the place of one that was lost and says so. The broker is on this host and
/// has its clock.
fn since(epoch: Guid) -> Option<Duration> {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + epoch.made()?).ok()
}

impl Changes {
    pub(super) fn tell(self) {
        if let Some(LostInboxes { sinks, error, unsent }) = self.lost {
            sinks.iter().for_each(|sink| sink.lost(error.clone(), &unsent));
        }
        self.verdicts.into_iter().for_each(Verdict::tell);
        drop(self.fallen);
    }

    fn fail(&mut self, then: Then, error: BrokerError) {
        self.verdicts.extend(then.fail(error));
    }

    fn fail_all(&mut self, thens: impl Iterator<Item = Then>, error: &BrokerError) {
        thens.for_each(|then| self.fail(then, error.clone()));
    }
}

impl State {
    fn lost_inboxes(&self) -> LostInboxes {
        let error = BrokerError::lost(self.reason.clone());
        LostInboxes { sinks: self.standing.all_sinks(), error, unsent: self.held.calls() }
    }

    /// Leases are void from now on.
    fn end_life(&mut self, changes: &mut Changes) {
        self.life += 1;
        changes.fail_all(self.held.remove_leased(), &BrokerError::Stale);
    }

    /// There is a connection: what stands is announced, and what is held is sent.
    pub(super) fn attach(&mut self, accepted: Accepted, now: Instant) -> Changes {
        let mut changes = Changes::default();
        let Phase::Away { planned, told, .. } = self.phase else { return changes };
        self.max_message = usize::try_from(accepted.message_bytes).unwrap_or(usize::MAX);
        self.inbox_grace = accepted.inbox_grace;
        self.version = Some(accepted.version);
        let known = self.epoch.replace(accepted.epoch);
        // Who comes only now does not know who was there before.
        let lost = known.is_none().then(|| since(accepted.epoch)).flatten();
        if let Some(left) = lost.and_then(|since| RETURN.checked_sub(since)) {
            self.sparing = Some(now + left);
        }
        if known.is_some_and(|known| known != accepted.epoch) {
            self.sparing = Some(now + RETURN);
            if planned {
                self.end_life(&mut changes);
            }
            if !told {
                "it was restarted and has lost what it held".clone_into(&mut self.reason);
                changes.lost = Some(self.lost_inboxes());
            }
        }
        let unavailable = self.unavailable();
        changes.fail_all(self.held.remove_expired(now), &unavailable);
        self.phase = Phase::Live;
        for what in self.standing.all() {
            let (_, verdict, fallen) = self.announce(what);
            changes.verdicts.extend(verdict);
            changes.fallen.extend(fallen);
        }
        if let Some(view) = &self.standing.view {
            if self.sparing.is_some() {
                view.spare();
            } else {
                view.restart();
            }
            // If the buffer is full of what stands, the view stays as it is until the next time.
            drop(self.append(&ClientFrame::<Bytes>::Watch));
        }
        for held in self.held.drain() {
            match held.send(now) {
                Ok((frame, then)) => self.send_held(frame, then, &mut changes),
                Err(then) => changes.fail(then, unavailable.clone()),
            }
        }
        changes
    }

    fn send_held(&mut self, mut frame: OwnedFrame, then: Then, changes: &mut Changes) {
        let (ticket, accepted) = match then {
            Then::Nothing | Then::Promised(..) => (Ticket::NONE, None),
            Then::Accepted(sender) => (Ticket::NONE, Some(sender)),
            Then::Ticketed(waiting) => (self.tickets.issue(waiting), None),
        };
        set_ticket(&mut frame, ticket);
        let sent = self.append(&frame).map(drop);
        if let Some(sender) = accepted {
            changes.verdicts.push(Verdict::Ack(sender, sent));
        } else if let Err(error) = sent {
            changes.verdicts.extend(self.tickets.take(ticket).and_then(|waiting| Verdict::failed(waiting, error)));
        }
    }

    /// The connection has ended, with only the first `written` bytes of `writing` in the socket:
    /// what was not sent is held, and of what was sent and not answered the outcome is unknown.
    pub(super) fn detach(&mut self, writing: &[u8], written: usize, reason: &str, now: Instant) -> Changes {
        let mut changes = Changes::default();
        let planned = self.phase == Phase::Leaving;
        let closed = self.phase == Phase::Closed;
        let out = std::mem::take(&mut self.out);
        if !closed {
            reason.clone_into(&mut self.reason);
            self.phase = Phase::Away { since: now, planned, told: false };
        }
        let mut unsent = Vec::new();
        for mut frame in unwritten(writing, written).into_iter().chain(unwritten(&out, 0)) {
            let class = class(&frame);
            if class == Class::Standing {
                continue;
            }
            let waiting = self.tickets.take(take_ticket(&mut frame));
            let then = waiting.map_or_else(|| self.promised(&frame), Then::Ticketed);
            if closed {
                changes.fail(then, self.unavailable());
            } else if class == Class::Leased && !planned {
                changes.fail(then, BrokerError::Stale);
            } else {
                unsent.push(HeldFrame::new(frame, now, then));
            }
        }
        self.held.push_front(unsent);
        let waiting: Vec<_> = self.tickets.drain().collect();
        for waiting in waiting {
            self.unanswered(waiting, &mut changes);
        }
        if !planned {
            self.end_life(&mut changes);
        }
        changes
    }

    /// A call was accepted on the promise that its inbox would hear of a refusal.
    fn promised(&self, frame: &OwnedFrame) -> Then {
        let inbox = frames::call(frame).and_then(|(call, inbox)| Some((call, self.standing.sinks.get(&inbox)?)));
        inbox.map_or(Then::Nothing, |(call, inbox)| Then::Promised(Arc::clone(&inbox.sink), call))
    }

    fn unanswered(&mut self, waiting: Waiting, changes: &mut Changes) {
        match waiting {
            Waiting::Stop(consumer, sender) => {
                changes.fallen.extend(self.standing.streams.remove(&consumer).map(Fallen::Stream));
                changes.verdicts.push(Verdict::Ack(sender, Ok(())));
            }
            Waiting::Deregister(sender) => changes.verdicts.push(Verdict::Ack(sender, Ok(()))),
            other => changes.verdicts.extend(Verdict::failed(other, BrokerError::lost(self.reason.clone()))),
        }
    }

    /// The broker is about to restart: this is the last that is written to it.
    pub(super) fn leave(&mut self) {
        if self.phase == Phase::Live && self.append(&ClientFrame::<Bytes>::Bye).is_ok() {
            self.phase = Phase::Leaving;
        }
    }

    /// When time alone will change something.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        let grace = match self.phase {
            Phase::Away { since, told: false, .. } if self.epoch.is_some() => since.checked_add(self.inbox_grace),
            _ => None,
        };
        let sparing = self.sparing.filter(|_| self.phase == Phase::Live);
        [self.held.next_expiry(), grace, sparing].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Changes {
        let mut changes = Changes::default();
        let unavailable = self.unavailable();
        changes.fail_all(self.held.remove_expired(now), &unavailable);
        if let Phase::Away { since, planned, told: false } = self.phase
            && self.epoch.is_some()
            && now.duration_since(since) >= self.inbox_grace
        {
            self.phase = Phase::Away { since, planned, told: true };
            changes.lost = Some(self.lost_inboxes());
        }
        if self.phase == Phase::Live && self.sparing.take_if(|until| *until <= now).is_some() {
            // If the buffer is full of what stands, it is done a moment later.
            self.sparing = self.look_again().is_err().then_some(now + RETURN);
        }
        changes
    }

    /// Has the broker tell the registry anew: who has not come back by now is gone.
    fn look_again(&mut self) -> Result<(), BrokerError> {
        if self.standing.view.is_some() {
            self.append(&ClientFrame::<Bytes>::Watch)?;
        }
        self.standing.view.iter().for_each(|view| view.restart());
        Ok(())
    }

    /// There shall be no connection any more; what is in the outgoing buffer is still written.
    pub(super) fn close(&mut self) -> Changes {
        let mut changes = Changes::default();
        if self.phase == Phase::Closed {
            return changes;
        }
        if self.phase == Phase::Live {
            // A broker whose buffer is full has to do without.
            drop(self.append(&ClientFrame::<Bytes>::Bye));
        }
        self.phase = Phase::Closed;
        "the connection was closed".clone_into(&mut self.reason);
        changes.lost = Some(self.lost_inboxes());
        let unavailable = self.unavailable();
        changes.fail_all(self.held.remove_all(), &unavailable);
        changes.fallen = self.standing.clear();
        for fallen in &mut changes.fallen {
            changes.verdicts.extend(fallen.opened().map(|opened| Verdict::Ack(opened, Err(unavailable.clone()))));
        }
        changes
    }

    /// Gives the driver what is to be written next, in exchange for an empty buffer.
    pub(super) fn take_out(&mut self, empty: BytesMut) -> BytesMut {
        std::mem::replace(&mut self.out, empty)
    }

    /// What has become of an announcement or a request.
    pub(super) fn done(&mut self, ticket: Ticket, result: Result<(), BrokerError>) -> Changes {
        let mut changes = Changes::default();
        match self.tickets.take(ticket) {
            None => {}
            Some(Waiting::Ack(sender) | Waiting::Deregister(sender)) => {
                changes.verdicts.push(Verdict::Ack(sender, result));
            }
            Some(Waiting::Stop(consumer, sender)) => {
                changes.fallen.extend(self.standing.streams.remove(&consumer).map(Fallen::Stream));
                changes.verdicts.push(Verdict::Ack(sender, result));
            }
            Some(waiting @ Waiting::Admin(_)) => {
                changes.verdicts.extend(result.err().and_then(|error| Verdict::failed(waiting, error)));
            }
            Some(standing) => {
                let (verdict, fallen) = self.standing.answered(&standing, result);
                changes.verdicts.extend(verdict);
                changes.fallen.extend(fallen);
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{LocalOptions, state::MAX_OUTGOING},
        *,
    };

    fn accepted() -> Accepted {
        let (grace, silence) = (Duration::from_secs(5), Duration::from_secs(2));
        Accepted { version: 1, epoch: Guid::private(), message_bytes: 1 << 20, inbox_grace: grace, silence }
    }

    /// The second look at a registry that was lost, which shows who has not come back.
    #[test]
    fn a_look_at_the_registry_for_which_there_is_no_room_is_taken_later() {
        let mut state = State::new(LocalOptions::default(), Instant::now());
        state.standing.view = Some(Arc::default());
        for _ in 0..2 {
            // Each time it is a broker that knows nobody.
            drop(state.attach(accepted(), Instant::now()));
            drop(state.detach(&[], 0, "it was killed", Instant::now()));
        }
        drop(state.attach(accepted(), Instant::now()));
        let due = state.next_alarm().expect("it is looked at again");
        state.out = BytesMut::zeroed(MAX_OUTGOING + 1);
        drop(state.expire(due));
        assert_eq!(state.out.len(), MAX_OUTGOING + 1);
        let later = state.next_alarm().expect("it is looked at all the same");
        assert!(later > due);
        state.out.clear();
        drop(state.expire(later));
        let mut watch = BytesMut::new();
        ClientFrame::<Bytes>::Watch.encode(&mut watch).unwrap();
        assert_eq!((&state.out, state.next_alarm()), (&watch, None));
    }
}
