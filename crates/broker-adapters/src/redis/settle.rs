//! How a lease ends: the operations of `settle.lua`, and the reply where it lies on another server.

use std::sync::Arc;

use ::redis::{Value, cmd};
use bytes::Bytes;
use skyloom_core::{
    Guid,
    broker::{Ack, BrokerError, Settlement},
};
use tokio::{
    sync::oneshot::{self, Receiver},
    time::{Instant, sleep_until},
};

use crate::remote::{Caller, Notice};

use super::{
    names::Names,
    nodes::Nodes,
    op::{Op, Part, Then, What},
    seat::Seat,
};

/// A lease that this process has.
pub(super) struct Held {
    pub(super) seat: Arc<Seat>,
    /// The entry.
    pub(super) id: Bytes,
    /// Which message of it this is.
    pub(super) part: Part,
    /// The envelope's bytes.
    pub(super) size: usize,
    pub(super) call: Guid,
    pub(super) reply_to: Option<Guid>,
    /// Which attempt this is.
    pub(super) attempt: u32,
    /// When the lease ends.
    pub(super) ends: Instant,
    /// It is not to be delivered again.
    pub(super) is_once: bool,
    /// A part of a stream was sent.
    pub(super) streams: bool,
}

/// How a lease ends.
pub(super) enum Ending {
    /// With this reply.
    Reply(Bytes),
    /// Without this attempt, and the caller is told.
    Expired,
    Done,
    /// Back on the queue, with this many attempts made.
    Back {
        delay: u64,
        attempts: u32,
        reason: String,
    },
    /// As a dead letter, and the caller is told.
    Bury {
        attempts: u32,
        reason: String,
    },
    /// A worker that had claimed it is gone, and nobody knows how far it came.
    Lost(String),
}

impl Ending {
    /// What a worker asks for.
    pub(super) fn of(settlement: Settlement, held: &Held) -> Self {
        match settlement {
            Settlement::Reply(envelope) => Self::Reply(envelope.encode()),
            Settlement::Done => Self::Done,
            Settlement::Bury { reason } => Self::Bury { attempts: held.attempt, reason },
            Settlement::Retry { reason, .. } if held.is_once => Self::Lost(reason),
            Settlement::Release if held.is_once => Self::Lost("the worker gave it back".to_owned()),
            Settlement::Retry { delay, reason } => {
                let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                Self::Back { delay, attempts: held.attempt, reason }
            }
            Settlement::Release => {
                Self::Back { delay: 0, attempts: held.attempt.saturating_sub(1), reason: String::new() }
            }
        }
    }

    /// What has used up its attempts does not go back.
    fn decided(self, held: &Held) -> Self {
        match self {
            Self::Back { attempts, reason, .. } if attempts >= held.seat.options.max_attempts.max(1) => {
                Self::Bury { attempts, reason }
            }
            other => other,
        }
    }
}

/// Where settlements go.
pub(super) struct Out {
    pub(super) nodes: Arc<Nodes>,
    pub(super) names: Arc<Names>,
}

impl Held {
    /// How the server is told of it.
    fn lease(&self) -> [Bytes; 3] {
        [self.id.clone(), digits(self.part.number), digits(self.part.of)]
    }

    /// What ends it: an operation with its arguments, after which nothing is to be remembered of it.
    fn ended_by(&self, mut args: Vec<Bytes>) -> What {
        let mut count = 1;
        if self.is_once {
            count = 2;
            args.push(Bytes::from_static(b"forget"));
            args.extend(self.lease());
        }
        What::Settle { count, args, ends: Some((self.id.clone(), self.part)) }
    }
}

fn digits(number: impl std::fmt::Display) -> Bytes {
    number.to_string().into()
}

impl Out {
    fn submit(&self, held: &Held, what: What, then: Then) {
        self.nodes.submit(Op::new(Arc::clone(&held.seat.place), what, then).until(Some(held.ends)));
    }

    /// Tells the server something about a lease that goes on.
    pub(super) fn about(&self, held: &Held, word: &'static [u8], then: Then) {
        let mut args = vec![Bytes::from_static(word)];
        args.extend(held.lease());
        args.push(held.seat.name.clone().into());
        self.submit(held, What::Settle { count: 1, args, ends: None }, then);
    }

    /// What becomes of a stream's lease, which ends well only if its inbox is there: that goes a minute after its client.
    pub(super) fn if_read(&self, held: &Held, inbox: Guid, extended: Ack) -> Ack {
        let place = self.names.inbox(inbox);
        let mut exists = cmd("EXISTS");
        exists.arg(&place.base);
        let what = What::Ask { command: Box::new(exists), may_be_repeated: true };
        let (answer, asked) = oneshot::channel();
        self.nodes.submit(Op::new(Arc::new(place), what, Then::Answer(answer)).until(Some(held.ends)));
        Ack::running(async move {
            extended.await?;
            match asked.await {
                Ok(Ok(Value::Int(0))) => Err(BrokerError::unread()),
                _ => Ok(()),
            }
        })
    }

    /// Sends a reply that is not the last.
    pub(super) fn partial(&self, held: &Held, body: Bytes, then: Then) {
        let Some(inbox) = held.reply_to else {
            return Op::new(Arc::clone(&held.seat.place), What::Reply { body }, then).done();
        };
        let inbox = self.names.inbox(inbox);
        if self.nodes.options.cluster {
            let reply = Op::new(Arc::new(inbox), What::Reply { body }, then).only_once();
            return self.nodes.submit(reply.until(Some(held.ends)));
        }
        let args = vec![Bytes::from_static(b"partial"), inbox.base.into(), body];
        let what = What::Settle { count: 1, args, ends: None };
        let partial = Op::new(Arc::clone(&held.seat.place), what, then).only_once();
        self.nodes.submit(partial.until(Some(held.ends)));
    }

    /// Says that a lease has run out, as soon as there is a connection.
    pub(super) fn lapse(&self, held: &Held) {
        let what = What::lapse(&held.id, held.part);
        self.nodes.submit(Op::new(Arc::clone(&held.seat.place), what, Then::Nobody));
    }

    /// Ends a lease.
    pub(super) fn end(&self, held: Held, ending: Ending, then: Then) {
        let ending = match ending.decided(&held) {
            Ending::Reply(body) if !held.is_once => return self.finish(held, Some(body), then),
            Ending::Done if !held.is_once => return self.finish(held, None, then),
            other => other,
        };
        let notice = |error: &BrokerError| Notice::write(held.call, error).encode();
        let size = || digits(held.size);
        let (word, arguments, body) = match ending {
            Ending::Reply(body) => ("reply", vec![size()], body),
            Ending::Lost(reason) => ("reply", vec![size()], notice(&BrokerError::lost(reason))),
            Ending::Expired => {
                ("expired", vec![size()], notice(&BrokerError::expired_after(held.attempt.saturating_sub(1))))
            }
            Ending::Done => ("done", vec![size()], Bytes::new()),
            Ending::Back { delay, attempts, reason } => {
                ("back", vec![digits(delay), digits(attempts), reason.into()], Bytes::new())
            }
            Ending::Bury { attempts, reason } => {
                let told = notice(&BrokerError::Dead { attempts, reason: reason.clone() });
                let told = held.reply_to.map(|inbox| (inbox, told));
                return self.bury(&held, attempts, reason, told.into_iter().collect(), then);
            }
        };
        let mut args = vec![Bytes::from_static(word.as_bytes())];
        args.extend(held.lease());
        args.extend(arguments);
        let tells = !matches!(word, "done" | "back");
        let far = held.reply_to.filter(|_| tells && self.nodes.options.cluster);
        if tells {
            let near = held.reply_to.filter(|_| far.is_none());
            let inbox = near.map(|inbox| self.names.inbox(inbox).base.into());
            let body = if near.is_some() { body.clone() } else { Bytes::new() };
            args.extend([inbox.unwrap_or_default(), body]);
        }
        let what = held.ended_by(args);
        match far {
            None => self.submit(&held, what, then),
            Some(inbox) => self.tell_first(vec![(inbox, body)], &held, what, then),
        }
    }

    /// Buries a message that nobody can read, and tells those who are known to wait for its answer.
    pub(super) fn bury_unread(&self, held: &Held, callers: &[Caller], reason: String) {
        let dead = BrokerError::Dead { attempts: 0, reason: reason.clone() };
        let told = |caller: &Caller| (caller.inbox, Notice::write(caller.call, &dead).encode());
        self.bury(held, 0, reason, callers.iter().map(told).collect(), Then::Nobody);
    }

    /// Makes a message a dead letter, and tells each of these inboxes.
    fn bury(&self, held: &Held, attempts: u32, reason: String, told: Vec<(Guid, Bytes)>, then: Then) {
        let (far, near) = if self.nodes.options.cluster { (told, Vec::new()) } else { (Vec::new(), told) };
        let mut args = vec![Bytes::from_static(b"bury")];
        args.extend(held.lease());
        args.extend([digits(attempts), reason.into(), digits(near.len())]);
        args.extend(near.into_iter().flat_map(|(inbox, body)| [self.names.inbox(inbox).base.into(), body]));
        let what = held.ended_by(args);
        if far.is_empty() { self.submit(held, what, then) } else { self.tell_first(far, held, what, then) }
    }

    fn finish(&self, held: Held, reply: Option<Bytes>, then: Then) {
        let reply = held.reply_to.zip(reply);
        let (far, near) = if self.nodes.options.cluster { (reply, None) } else { (None, reply) };
        let what = What::Finish { id: held.id.clone(), part: held.part, size: held.size, reply: near };
        match far {
            None => self.submit(&held, what, then),
            Some(reply) => self.tell_first(vec![reply], &held, what, then),
        }
    }

    /// On a cluster an inbox is elsewhere: the replies go first, and only then the lease is ended. If one
    /// cannot be sent, the lease runs out and somebody else tries.
    fn tell_first(&self, replies: Vec<(Guid, Bytes)>, held: &Held, what: What, then: Then) {
        let send = |(inbox, body)| {
            let (answer, told) = oneshot::channel();
            let place = Arc::new(self.names.inbox(inbox));
            let reply = Op::new(place, What::Reply { body }, Then::Answer(answer)).until(Some(held.ends));
            self.nodes.submit(reply);
            told
        };
        let told: Vec<_> = replies.into_iter().map(send).collect();
        let settle = Op::new(Arc::clone(&held.seat.place), what, then).until(Some(held.ends));
        let (nodes, ends) = (Arc::clone(&self.nodes), held.ends);
        self.nodes.runtime.spawn(async move {
            let Err(error) = all(told).await else { return nodes.submit(settle) };
            let lapse = settle.lapse();
            settle.fail(error);
            sleep_until(ends).await;
            lapse.into_iter().for_each(|lapse| nodes.submit(lapse));
        });
    }
}

/// Waits until all of these are answered.
async fn all(told: Vec<Receiver<Result<Value, BrokerError>>>) -> Result<(), BrokerError> {
    for told in told {
        told.await.unwrap_or_else(|_| Err(BrokerError::lost("the connection is closed")))?;
    }
    Ok(())
}
