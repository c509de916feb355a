//! What a connection does with calls and replies that go out together.

use std::sync::Arc;

use async_nats::Subject;
use bytes::Bytes;
use skyloom_core::{Envelope, Guid, broker::BrokerError};

use super::{
    gather::{Calls, Replies},
    link::{Link, Phase},
    outbox::{Outbox, Outgoing, Verdict},
};
use crate::remote::{BUNDLE_BYTES, Bundle, PARTS};

impl Link {
    /// How many bytes a message of several may have.
    fn room(&self) -> usize {
        BUNDLE_BYTES.min(self.capabilities.max_message)
    }

    /// Sends a reply, and then acknowledges what it answers; both with others in a moment.
    pub(super) fn reply_soon(&self, inbox: Guid, reply: &Envelope, ack: Option<Subject>) -> Result<(), BrokerError> {
        self.fits(reply)?;
        let mut gathered = self.gathered();
        // What was gathered is sent a last time after the connection is closed, and that needs the same lock.
        if self.phase() == Phase::Closed {
            return Err(self.away());
        }
        let is_first = gathered.is_empty();
        let replies = gathered.replies.entry(inbox).or_default();
        let full = if replies.bundle.has_room(reply, self.room()) { None } else { Some(std::mem::take(replies)) };
        replies.bundle.add(reply);
        replies.acks.extend(ack);
        drop(gathered);
        if is_first {
            self.gathering.notify_one();
        }
        if let Some(full) = full {
            self.send_replies(inbox, full);
        }
        Ok(())
    }

    /// Sends the replies of several settlements, each of which was told that it is done.
    fn send_replies(&self, inbox: Guid, replies: Replies) {
        let count = replies.bundle.count;
        let mut sent = self.publish(self.names.replies(inbox), None, None, replies.bundle.body());
        for ack in replies.acks {
            sent = sent.and_then(|()| self.publish(ack, None, None, Bytes::from_static(b"+ACK")));
        }
        if let Err(error) = sent {
            // What is not acknowledged comes again, and what cannot come again has a deadline.
            tracing::warn!(%inbox, count, %error, "replies could not be sent");
        }
    }

    /// Keeps a call until others have joined it, or for a moment. Gives it back if it does not share.
    pub(super) fn gather_call(
        self: &Arc<Self>,
        inbox: Guid,
        number: u64,
        outgoing: Outgoing,
    ) -> Option<(u64, Outgoing)> {
        let share = self.load().share(outgoing.envelope.id, PARTS).min(self.options.bundle);
        if share <= 1 || outgoing.envelope.encoded_len() > self.room() {
            return Some((number, outgoing));
        }
        let mut gathered = self.gathered();
        if self.phase() == Phase::Closed {
            drop(gathered);
            self.tell(Some(outgoing.settle(Err(self.away()))));
            return None;
        }
        let is_first = gathered.is_empty();
        let key = (inbox, outgoing.target.clone());
        let calls = gathered.calls.entry(key.clone()).or_default();
        calls.push((number, outgoing));
        let full = if calls.len() >= share { gathered.calls.remove(&key) } else { None };
        drop(gathered);
        match full {
            Some(calls) => self.send_calls(inbox, calls),
            None if is_first => self.gathering.notify_one(),
            None => {}
        }
        None
    }

    /// Sends calls to one target as few messages.
    fn send_calls(self: &Arc<Self>, inbox: Guid, calls: Calls) {
        let phase = self.phase();
        let mut outbox = self.outbox();
        let mut verdicts = Vec::new();
        let mut together: Calls = Vec::with_capacity(calls.len());
        let mut bundle = Bundle::default();
        for (number, outgoing) in calls {
            match phase {
                Phase::Live => {
                    let aged = outgoing.aged();
                    if !bundle.has_room(&aged, self.room()) {
                        let (full, calls) = (std::mem::take(&mut bundle), std::mem::take(&mut together));
                        verdicts.extend(self.send_bundle(&outbox, inbox, full, calls));
                    }
                    bundle.add(&aged);
                    drop(aged);
                    together.push((number, outgoing));
                }
                Phase::Away => verdicts.extend(self.hold(&mut outbox, number, outgoing)),
                Phase::Closed => verdicts.push(outgoing.settle(Err(self.away()))),
            }
        }
        verdicts.extend(self.send_bundle(&outbox, inbox, bundle, together));
        drop(outbox);
        verdicts.into_iter().for_each(|verdict| self.tell(Some(verdict)));
    }

    /// Sends calls as one message. Nobody confirms it: their replies do.
    fn send_bundle(&self, outbox: &Outbox, inbox: Guid, bundle: Bundle, calls: Calls) -> Vec<Verdict> {
        let Some((number, first)) = calls.first() else { return Vec::new() };
        let subject = outbox.subject(&first.target).unwrap_or_else(|| self.names.subject(&first.target).into());
        let reply = match calls.len() {
            1 => self.names.unheard(inbox, &first.target, first.envelope.id),
            _ => self.names.unheard_bundle(inbox, *number),
        };
        if calls.len() > 1 {
            let calls = calls.iter().map(|(_, outgoing)| outgoing.envelope.id).collect();
            self.gathered().remember(*number, calls);
        }
        match self.publish(subject, Some(reply.into()), None, bundle.body()) {
            Ok(()) => Vec::new(),
            Err(error) => calls.into_iter().map(|(_, outgoing)| outgoing.settle(Err(error.clone()))).collect(),
        }
    }

    /// The calls of a bundle that nobody was there to take.
    pub(super) fn calls_of(&self, bundle: u64) -> Vec<Guid> {
        self.gathered().bundles.remove(&bundle).unwrap_or_default()
    }

    /// Sends what was gathered.
    pub(super) fn send_gathered(self: &Arc<Self>) {
        let (replies, calls) = self.gathered().take();
        for (inbox, replies) in replies {
            self.send_replies(inbox, replies);
        }
        for ((inbox, _), calls) in calls {
            self.send_calls(inbox, calls);
        }
    }

    /// Sends again and again what was gathered meanwhile, until the connection is closed.
    pub(super) async fn keep_sending(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.gathering.notified() => self.send_gathered(),
                () = self.closed() => return self.send_gathered(),
            }
        }
    }
}
