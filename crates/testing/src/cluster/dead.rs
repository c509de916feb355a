//! Dead letters.

use std::{fmt, marker::PhantomData, sync::Arc};

use skyloom_core::{
    Channel, QueueName,
    broker::{Broker, BrokerError, DeadLetter},
};

use super::{
    shared::Shared,
    target::{Place, Target},
    text::{Side, push},
};

/// How many dead letters of one channel are looked at; the broker lists no more at once.
const LISTED: u32 = 1_000;

/// The dead letters of a target: work that was given up, be it for good at once or because its attempts are
/// used up. What is asserted in vain panics with what was seen instead.
pub struct DeadLetters<T> {
    shared: Arc<Shared>,
    place: Place,
    letters: Vec<Letter<T>>,
}

/// A dead letter.
pub struct Letter<T> {
    shared: Arc<Shared>,
    channel: Channel,
    letter: DeadLetter,
    target: PhantomData<fn() -> T>,
}

impl<T: Target> DeadLetters<T> {
    pub(super) async fn read(shared: &Arc<Shared>, broker: &dyn Broker, target: &T) -> Result<Self, BrokerError> {
        let place = target.place();
        let (broker_name, operation) = (broker.capabilities().broker, "tell its dead letters");
        let unsupported = BrokerError::Unsupported { broker: broker_name, operation };
        let admin = broker.admin().ok_or(unsupported)?;
        let mut letters = Vec::new();
        for channel in admin.channels().await?.into_iter().map(|stats| stats.channel) {
            for letter in admin.dead(&channel, LISTED).await? {
                if place.matches(channel.queue().map(QueueName::as_str), &letter.envelope) {
                    let (shared, channel) = (Arc::clone(shared), channel.clone());
                    letters.push(Letter { shared, channel, letter, target: PhantomData });
                }
            }
        }
        Ok(Self { shared: Arc::clone(shared), place, letters })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Each of them, oldest first in each channel.
    pub fn iter(&self) -> std::slice::Iter<'_, Letter<T>> {
        self.letters.iter()
    }

    /// The only one.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn only(&self) -> &Letter<T> {
        match self.letters.as_slice() {
            [only] => only,
            _ => self.fail("exactly 1 dead letter"),
        }
    }

    /// Checks that there are so many.
    ///
    /// # Panics
    /// If there are not.
    #[track_caller]
    pub fn assert_count(&self, count: usize) -> &Self {
        if self.len() != count {
            self.fail(&format!("exactly {count} dead letters"));
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
            self.fail("no dead letters");
        }
    }

    #[track_caller]
    fn fail(&self, wanted: &str) -> ! {
        let Self { shared, place, letters } = self;
        let mut listed = String::new();
        for letter in letters {
            push(&mut listed, format_args!("\n  {letter}"));
        }
        panic!("expected {wanted} of {place}, and there were {}:{listed}\n{}", letters.len(), shared.story(place))
    }
}

impl<T: Target> Letter<T> {
    /// What was sent.
    ///
    /// # Panics
    /// If it is no such message.
    #[must_use]
    #[track_caller]
    pub fn request(&self) -> T::Request {
        match self.shared.request(self.channel.queue(), &self.letter.envelope) {
            Ok(request) => request,
            Err(reason) => panic!("{reason}\n{self}"),
        }
    }

    /// Why it was given up.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.letter.reason
    }

    /// How often it was attempted.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.letter.attempts
    }

    /// The channel that keeps it: a queue, or a topic and a group such as `links.visited/audit`.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }
}

impl<'a, T> IntoIterator for &'a DeadLetters<T> {
    type Item = &'a Letter<T>;
    type IntoIter = std::slice::Iter<'a, Letter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.letters.iter()
    }
}

impl<T> fmt::Debug for DeadLetters<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.letters).finish()
    }
}

impl<T> fmt::Debug for Letter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<T> fmt::Display for Letter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shared, channel, letter, .. } = self;
        let DeadLetter { envelope, reason, attempts, .. } = letter;
        let payload = shared.payload(channel.queue(), envelope, &envelope.method, Side::Request);
        write!(f, "{channel} {} {payload}, dead after {attempts} attempts: {reason}", envelope.method)
    }
}
