//! The messages that were seen, and what a test asserts of them.

use std::{fmt, ops::Index, panic::Location, sync::Arc};

use skyloom_core::{Kind, QueueName};

use super::{
    journal::MESSAGES,
    message::Message,
    shared::Shared,
    target::{Place, Target},
};

/// The calls, casts or events of a target in the order in which they were sent, as far as they were sent
/// when this was asked for. What is asserted in vain panics with what was seen instead.
pub struct Seen<T> {
    shared: Arc<Shared>,
    place: Place,
    kind: &'static str,
    messages: Vec<Message<T>>,
}

impl<T: Target> Seen<T> {
    #[track_caller]
    pub(super) fn new(shared: &Arc<Shared>, target: &T, kind: Kind) -> Self {
        shared.alarm.check(Location::caller());
        let place = target.place();
        let (records, missed) = shared.journal.read(|record| {
            let queue = record.queue.as_ref().map(QueueName::as_str);
            record.envelope.kind == kind && place.matches(queue, &record.envelope)
        });
        assert!(missed == 0, "more than {MESSAGES} messages were sent, and {missed} of them are not known any more");
        let messages = records.into_iter().map(|record| Message::new(Arc::clone(shared), record)).collect();
        let kind = match kind {
            Kind::Cast => "cast",
            Kind::Event => "event",
            _ => "call",
        };
        Self { shared: Arc::clone(shared), place, kind, messages }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Message<T>> {
        self.messages.iter()
    }

    /// What was sent with each of them.
    ///
    /// # Panics
    /// If one of them is no such message.
    #[must_use]
    #[track_caller]
    pub fn requests(&self) -> Vec<T::Request> {
        let mut requests = Vec::with_capacity(self.len());
        for message in &self.messages {
            requests.push(message.request()); // In a closure it would not know the test's line.
        }
        requests
    }

    /// The only one.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn only(&self) -> &Message<T> {
        match self.messages.as_slice() {
            [only] => only,
            _ => self.fail("exactly 1"),
        }
    }

    /// Checks that there are so many.
    ///
    /// # Panics
    /// If there are not.
    #[track_caller]
    pub fn assert_count(&self, count: usize) -> &Self {
        if self.len() != count {
            self.fail(&format!("exactly {count}"));
        }
        self
    }

    /// Checks that there is none.
    ///
    /// # Panics
    /// If there is one.
    #[track_caller]
    pub fn assert_none(&self) {
        if !self.is_empty() {
            self.fail("no");
        }
    }

    /// Checks that a request of at least one of them is as it should be, and returns the first that is.
    ///
    /// # Panics
    /// If none is, or one of them is no such message.
    #[track_caller]
    pub fn assert_any(&self, mut is_right: impl FnMut(T::Request) -> bool) -> &Message<T> {
        for message in &self.messages {
            if is_right(message.request()) {
                return message;
            }
        }
        match self.len() {
            0 => self.fail("a matching"),
            count => self.fail_with("a matching", &format!("none of {count} is one")),
        }
    }

    /// Checks that every one of them has a request that is as it should be.
    ///
    /// # Panics
    /// If one has not, or there is none: that would check nothing.
    #[track_caller]
    pub fn assert_all(&self, mut is_right: impl FnMut(T::Request) -> bool) -> &Self {
        if self.is_empty() {
            self.fail("at least 1");
        }
        for (number, message) in (1..).zip(&self.messages) {
            if !is_right(message.request()) {
                self.fail_with(&format!("number {number} to be a matching"), "it is not");
            }
        }
        self
    }

    #[track_caller]
    fn fail(&self, wanted: &str) -> ! {
        self.fail_with(wanted, &format!("there were {}", self.len()))
    }

    #[track_caller]
    fn fail_with(&self, wanted: &str, found: &str) -> ! {
        let Self { shared, place, kind, .. } = self;
        let plural = if wanted.ends_with(" 1") || wanted.ends_with("matching") { "" } else { "s" };
        panic!("expected {wanted} {kind}{plural} of {place}, and {found}; {}", shared.story(place))
    }
}

impl<T: Target> Index<usize> for Seen<T> {
    type Output = Message<T>;

    #[track_caller]
    fn index(&self, index: usize) -> &Message<T> {
        match self.messages.get(index) {
            Some(message) => message,
            None => self.fail(&format!("at least {}", index.saturating_add(1))),
        }
    }
}

impl<'a, T> IntoIterator for &'a Seen<T> {
    type Item = &'a Message<T>;
    type IntoIter = std::slice::Iter<'a, Message<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.iter()
    }
}

impl<T> fmt::Debug for Seen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.messages).finish()
    }
}
