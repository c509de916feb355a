//! The accounts of a load: what its senders and callers were told, and what was done.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use skyloom_core::{
    Code, Envelope, Guid, Kind, Outcome, Status,
    broker::{BoxFuture, Broker, BrokerError, Inbox, ReplySink},
};

use super::through::Front;

/// What is known of numbered casts and calls.
#[derive(Debug, Default)]
pub struct Accounts(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    /// Casts that were accepted, one after the other.
    accepted: Vec<u32>,
    /// Those of them that are not executed.
    waiting: BTreeSet<u32>,
    /// How often each number was executed.
    executed: BTreeMap<u32, u32>,
    /// How many calls had their reply.
    answered: usize,
    /// What was not executed, as its sender or caller was told.
    not_started: BTreeMap<u32, String>,
    /// How many final replies have come for a call.
    replies: HashMap<Guid, u32>,
    /// What somebody was told that nobody may be told.
    wrong: Vec<String>,
    /// The last error.
    last: Option<String>,
}

impl Books {
    fn note<T, E: std::fmt::Display>(&mut self, result: &Result<T, E>) {
        if let Err(error) = result {
            self.last = Some(error.to_string());
        }
    }
}

impl Accounts {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a cast was taken. While a server is away it is not sent, and what was under way when it went is of unknown
    /// outcome; nothing else may be said.
    pub(super) fn sent(&self, number: u32, taken: Result<(), BrokerError>) {
        let mut books = self.books();
        books.note(&taken);
        match taken {
            Ok(()) => {
                books.accepted.push(number);
                if !books.executed.contains_key(&number) {
                    books.waiting.insert(number);
                }
            }
            Err(BrokerError::Lost { .. }) => {}
            Err(error @ BrokerError::Unavailable { .. }) => drop(books.not_started.insert(number, error.to_string())),
            Err(error) => books.wrong.push(format!("cast {number}: {error:?}")),
        }
    }

    /// How a call has ended, after this long: with its own reply, or with an error that a fault may cause.
    pub(super) fn called(&self, number: u32, took: Duration, most: Duration, ended: Result<u32, Status>) {
        let mut books = self.books();
        books.note(&ended);
        match ended {
            Ok(reply) if reply == number => books.answered += 1,
            Ok(reply) => books.wrong.push(format!("call {number} had the reply to {reply}")),
            Err(status) => match (status.code(), status.outcome()) {
                (Code::Unavailable | Code::DeadlineExceeded, Outcome::NotStarted) => {
                    books.not_started.insert(number, status.to_string());
                }
                (Code::Aborted | Code::DeadlineExceeded, Outcome::Unknown) => {}
                told => books.wrong.push(format!("call {number}: {told:?}, {status}")),
            },
        }
        if took > most {
            books.wrong.push(format!("call {number} ended after {took:?}"));
        }
    }

    /// A worker has this number.
    pub(super) fn execute(&self, number: u32) {
        let mut books = self.books();
        *books.executed.entry(number).or_default() += 1;
        books.waiting.remove(&number);
    }

    /// How many casts were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.books().accepted.len()
    }

    /// How many calls were answered so far.
    pub(super) fn answered(&self) -> usize {
        self.books().answered
    }

    /// How it stands, for who reads of a failure.
    pub(super) fn summary(&self) -> String {
        let books = self.books();
        let (accepted, executed, answered) = (books.accepted.len(), books.executed.len(), books.answered);
        let last = books.last.as_deref().unwrap_or("none");
        format!("{accepted} casts accepted, {answered} calls answered, {executed} executed; last error: {last}")
    }

    /// The last casts that were accepted so far, at most so many.
    #[must_use]
    pub fn latest(&self, count: usize) -> BTreeSet<u32> {
        self.books().accepted.iter().rev().take(count).copied().collect()
    }

    /// What was accepted and is not executed.
    pub(super) fn missing(&self) -> BTreeSet<u32> {
        self.books().waiting.clone()
    }

    /// How much was accepted and is not executed.
    pub(super) fn backlog(&self) -> usize {
        self.books().waiting.len()
    }

    /// Whether all that was said is true. Where a reply and the end of its lease are one operation, no call is answered
    /// twice.
    pub(super) fn assert_true(&self, atomic_reply: bool) {
        let books = self.books();
        assert!(books.wrong.is_empty(), "{:#?}", books.wrong);
        let untrue: Vec<_> =
            books.not_started.iter().filter(|(number, _)| books.executed.contains_key(number)).collect();
        assert!(untrue.is_empty(), "these were executed, and somebody was told that they were not: {untrue:?}");
        let twice = books.replies.values().filter(|replies| **replies > 1).count();
        assert!(!atomic_reply || twice == 0, "{twice} calls were answered twice");
    }
}

/// Listens to a broker's inboxes.
#[derive(Debug)]
pub(super) struct Tapped {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) accounts: Arc<Accounts>,
}

impl Front for Tapped {
    fn behind(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    fn open_inbox(&self, sink: Arc<dyn ReplySink>) -> BoxFuture<'_, Result<Inbox, BrokerError>> {
        self.broker.open_inbox(Arc::new(Tap { sink, accounts: Arc::clone(&self.accounts) }))
    }
}

struct Tap {
    sink: Arc<dyn ReplySink>,
    accounts: Arc<Accounts>,
}

impl ReplySink for Tap {
    fn reply(&self, envelope: Arc<Envelope>) {
        if envelope.kind == Kind::Reply {
            *self.accounts.books().replies.entry(envelope.id).or_default() += 1;
        }
        self.sink.reply(envelope);
    }

    fn refused(&self, call: Guid, error: BrokerError) {
        self.sink.refused(call, error);
    }

    fn lost(&self, error: BrokerError, unsent: &HashSet<Guid>) {
        self.sink.lost(error, unsent);
    }
}
