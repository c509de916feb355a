//! From what is to be sent to the bytes that go out, and from answers to those who wait for them.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use skyloom_core::{Envelope, broker::BrokerError};
use tokio::{sync::oneshot, time::Instant};

use super::{
    super::{
        codec::{Command, Reply, Stats},
        job::{self, Notes},
        op::{Answer, Body, Done, Op, Put},
        shared::{Shared, lock},
    },
    room::{Rooms, Verdict},
};
use crate::remote::PARTS;

/// How large a job of several calls becomes, in bytes.
const BUNDLE_BYTES: usize = 32 << 10;

/// Who waits for an answer.
pub(super) enum Expect {
    /// Nobody.
    Nothing,
    Put(Vec<Done>, usize),
    Ask(oneshot::Sender<Answer>),
    /// The count of a tube.
    Count(String),
}

/// What goes out on one connection, and what is expected back.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    pub(super) out: BytesMut,
    pub(super) expected: VecDeque<Expect>,
    rooms: &'a mut Rooms,
    /// Wait for a count.
    pub(super) parked: VecDeque<Put>,
    used: String,
    closing: Vec<oneshot::Sender<()>>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(shared: &'a Shared, rooms: &'a mut Rooms) -> Self {
        rooms.forget();
        let (out, expected, parked) = (BytesMut::new(), VecDeque::new(), VecDeque::new());
        Self { shared, out, expected, rooms, parked, used: String::new(), closing: Vec::new() }
    }

    pub(super) fn command(&mut self, command: Command<'_>, expect: Expect) {
        command.encode(&mut self.out);
        self.expected.push_back(expect);
    }

    /// Encodes what is to be sent, in order; calls to the same queue share jobs.
    pub(super) fn take(&mut self, ops: impl IntoIterator<Item = Op>) {
        let mut shares: Vec<Put> = Vec::new();
        for op in ops {
            match op {
                Op::Put(put) => {
                    self.shared.taken(&put);
                    if let Some(put) = self.admit(put) {
                        self.gather(&mut shares, put);
                    }
                }
                Op::Ask { uses, command, answer } => {
                    self.put_together(&mut shares);
                    if let Some(tube) = uses {
                        self.use_tube(&tube);
                    }
                    self.out.extend_from_slice(&command);
                    self.expected.push_back(Expect::Ask(answer));
                }
                Op::Close(closing) => self.closing.push(closing),
            }
        }
        self.put_together(&mut shares);
        self.finish_closing();
    }

    /// Keeps what may share a job; what may not goes out after what came before it.
    fn gather(&mut self, shares: &mut Vec<Put>, put: Put) {
        if !put.may_share() || shares.last().is_some_and(|last| last.tube != put.tube) {
            self.put_together(shares);
        }
        if put.may_share() {
            shares.push(put);
        } else {
            self.put(vec![put]);
        }
    }

    fn put_together(&mut self, shares: &mut Vec<Put>) {
        let Some(Put { tube, body: Body::Envelope(newest, _), .. }) = shares.last() else { return };
        // One for each worker, and one that is on its way meanwhile.
        let parts = self.rooms.workers(tube).map_or(PARTS, |workers| workers.max(1) + 1);
        let most = lock(&self.shared.load).share(newest.id, parts).min(self.shared.options.bundle);
        let limit = BUNDLE_BYTES.min(self.shared.largest_job());
        let (mut together, mut bytes) = (Vec::new(), 0);
        for put in shares.drain(..) {
            let length = match &put.body {
                Body::Envelope(envelope, _) => envelope.encoded_len() + job::OVERHEAD,
                Body::Bytes(bytes) => bytes.len(),
            };
            if together.len() == most || (bytes + length > limit && !together.is_empty()) {
                self.put(std::mem::take(&mut together));
                bytes = 0;
            }
            bytes += length;
            together.push(put);
        }
        if !together.is_empty() {
            self.put(together);
        }
    }

    fn use_tube(&mut self, tube: &str) {
        if self.used != tube {
            self.command(Command::Use(tube), Expect::Nothing);
            tube.clone_into(&mut self.used);
        }
    }

    /// What may be sent now. The rest waits or is refused.
    fn admit(&mut self, put: Put) -> Option<Put> {
        if put.is_pointless() {
            // Who still listens has taken it back.
            let error = BrokerError::unavailable("its time ran out before it could be sent");
            tell(self.shared, put.done, Err(error));
            return None;
        }
        if matches!(put.done, Done::Inbox { .. }) && put.is_late() {
            tell(self.shared, put.done, Err(BrokerError::Expired));
            return None;
        }
        if !put.bounded {
            return Some(put);
        }
        let verdict = self.rooms.take(&put.tube, Instant::now());
        if matches!(verdict, Verdict::GoAndCount | Verdict::WaitAndCount) {
            self.command(Command::StatsTube(&put.tube), Expect::Count(put.tube.clone()));
        }
        match verdict {
            Verdict::Go | Verdict::GoAndCount => return Some(put),
            Verdict::Wait | Verdict::WaitAndCount => self.parked.push_back(put),
            Verdict::Full => {
                let what = format!("queue {}", put.tube);
                let limit = format!("{} messages", self.shared.options.limits.messages);
                tell(self.shared, put.done, Err(BrokerError::Full { what, limit }));
            }
        }
        None
    }

    fn put(&mut self, together: Vec<Put>) {
        let Some(first) = together.first() else { return };
        let body: Bytes = match &first.body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::Envelope(..) => {
                let member = |put: &'_ Put| match &put.body {
                    Body::Envelope(envelope, notes) => Some((std::sync::Arc::clone(envelope), notes.clone())),
                    Body::Bytes(_) => None,
                };
                let members: Vec<_> = together.iter().filter_map(member).collect();
                let members: Vec<(&Envelope, Notes)> = members.iter().map(|(e, notes)| (&**e, notes.clone())).collect();
                job::bundle(&members).freeze()
            }
        };
        let tube = first.tube.clone();
        self.use_tube(&tube);
        let (priority, delay, ttr) = (first.priority, first.delay, self.shared.options.ttr);
        let length = body.len();
        let done = together.into_iter().map(|put| put.done).collect();
        self.command(Command::Put { priority, delay, ttr, body: &body }, Expect::Put(done, length));
    }

    /// Gives an answer to who waits for it. Afterwards, [`Turn::parked`] may have somewhere to go.
    pub(super) fn answered(&mut self, reply: Reply) {
        match self.expected.pop_front() {
            None | Some(Expect::Nothing) => {}
            Some(Expect::Put(done, length)) => {
                let result = inserted(reply, length);
                for done in done {
                    tell(self.shared, done, result.clone());
                }
            }
            Some(Expect::Ask(answer)) => drop(answer.send(Ok(reply))),
            Some(Expect::Count(tube)) => self.counted(&tube, &reply),
        }
        self.finish_closing();
    }

    fn counted(&mut self, tube: &str, reply: &Reply) {
        let limit = self.shared.options.limits.messages;
        let (held, workers) = match reply {
            Reply::Ok(body) => {
                let stats = Stats::of(body);
                let count = |key: &str| stats.number::<usize>(key).unwrap_or_default();
                let keys = ["ready", "reserved", "delayed", "buried"];
                let held = keys.iter().map(|state| count(&format!("current-jobs-{state}"))).sum();
                (held, count("current-watching"))
            }
            _ => (0, 0),
        };
        self.rooms.counted(tube, limit.saturating_sub(held), workers, Instant::now());
        let mut shares = Vec::new();
        for put in std::mem::take(&mut self.parked) {
            if let Some(put) = self.admit(put) {
                self.gather(&mut shares, put);
            }
        }
        self.put_together(&mut shares);
    }

    fn finish_closing(&mut self) {
        if self.expected.is_empty() && self.parked.is_empty() {
            for closing in self.closing.drain(..) {
                // Whoever closes may have lost patience.
                let _ = closing.send(());
            }
        }
    }

    /// The connection is gone: what was sent and not answered has an unknown outcome. Returns what was not sent.
    pub(super) fn lost(self, reason: &str) -> VecDeque<Put> {
        for expect in self.expected {
            let error = || BrokerError::lost(reason);
            match expect {
                Expect::Nothing | Expect::Count(_) => {}
                Expect::Put(done, _) => done.into_iter().for_each(|done| tell(self.shared, done, Err(error()))),
                Expect::Ask(answer) => drop(answer.send(Err(error()))),
            }
        }
        self.parked
    }
}

/// What the answer to a `put` means.
pub(in super::super) fn inserted(reply: Reply, length: usize) -> Result<u64, BrokerError> {
    match reply {
        Reply::Inserted(id) => Ok(id),
        Reply::JobTooBig => Err(too_big(length, None)),
        Reply::Draining => Err(BrokerError::refused(
            "beanstalkd drains: it was sent SIGUSR1 and takes no new work; restart it, or use another",
        )),
        Reply::Buried(_) | Reply::OutOfMemory => {
            let limit = "the memory that it gets, or with -b the room on its disk".to_owned();
            Err(BrokerError::Full { what: "beanstalkd".to_owned(), limit })
        }
        other => Err(BrokerError::refused(format!("beanstalkd answered {other:?} to a job of {length} bytes"))),
    }
}

/// A job that the server was not started for.
pub(in super::super) fn too_big(length: usize, limit: Option<usize>) -> BrokerError {
    let limit = limit.map_or("as many as its option -z says".to_owned(), |limit| format!("at most {limit}"));
    BrokerError::refused(format!(
        "the message makes a job of {length} bytes, and beanstalkd takes jobs of {limit}; start it with -z {}",
        length.next_power_of_two()
    ))
}

/// Tells who waits for it what has become of a message.
pub(in super::super) fn tell(shared: &Shared, done: Done, result: Result<u64, BrokerError>) {
    match (done, result) {
        (Done::Nobody, _) | (Done::Inbox { .. }, Ok(_)) => {}
        (Done::Ack(ack), result) => ack.send(result.map(drop)),
        (Done::Inbox { inbox, call }, Err(error)) => shared.refuse(inbox, call, error),
        (Done::Id(id), result) => drop(id.send(result)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyloom_core::{Guid, Kind, broker::EnqueueOptions};

    use super::*;
    use crate::beanstalk::{options::Options, pipe::Facts};

    fn shared(url: &str) -> Shared {
        let options = Options::of(&url.parse().unwrap()).unwrap();
        let facts = Facts { id: String::new(), max_job: 65_535, persistent: false };
        let shared = Shared::new(options, facts, tokio::sync::mpsc::unbounded_channel().0);
        // A client whose calls end at once, with 64 of them under way.
        let now = job::now_ms();
        let call = |time: u64| {
            let mut bytes = [0; 16];
            bytes[..6].copy_from_slice(&time.to_be_bytes()[2..]);
            Guid::from_bytes(bytes)
        };
        let mut load = lock(&shared.load);
        (0..64).for_each(|_| load.sent(call(now)));
        assert_eq!(load.share(call(now - 100), PARTS), 1);
        (0..10_000).for_each(|_| load.ended(call(0)));
        drop(load);
        shared
    }

    fn to(tube: &str, priority: u32) -> Op {
        let envelope = Arc::new(Envelope::new(Kind::Call, Guid::call()));
        let done = Done::Inbox { inbox: Guid::private(), call: envelope.id };
        let body = Body::Envelope(envelope, Notes::default());
        Op::Put(Put { tube: tube.to_owned(), priority, delay: 0, body, done, bounded: false })
    }

    /// How many calls each job holds.
    fn jobs(url: &str, ops: impl IntoIterator<Item = Op>) -> Vec<usize> {
        let (shared, mut rooms) = (shared(url), Rooms::default());
        let mut turn = Turn::new(&shared, &mut rooms);
        turn.take(ops);
        let calls = |expect| match expect {
            Expect::Put(done, _) => Some(done.len()),
            _ => None,
        };
        turn.expected.into_iter().filter_map(calls).collect()
    }

    #[tokio::test]
    async fn calls_to_one_queue_share_jobs() {
        let usual = EnqueueOptions::DEFAULT_PRIORITY;
        assert_eq!(jobs("beanstalk://a", (0..40).map(|_| to("x", usual))), [16, 16, 8]);
        assert_eq!(jobs("beanstalk://a?bundle=1", (0..3).map(|_| to("x", usual))), [1, 1, 1]);
        let mixed = [to("x", usual), to("x", usual), to("y", usual), to("x", usual), to("x", 1), to("x", usual)];
        assert_eq!(jobs("beanstalk://a", mixed), [2, 1, 1, 1, 1]);
    }
}
