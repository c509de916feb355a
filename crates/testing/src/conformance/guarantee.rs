//! What the rules find out about a broker: the cells of the tables of `docs/brokers.md`.

/// A column of one of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    /// Unsettled work comes back.
    Redelivery,
    /// It does so as soon as its worker is gone.
    AtOnce,
    /// It is delivered before what was enqueued after it.
    InPlace,
    /// Work that is given back untouched is no attempt.
    FreeRelease,
    /// What cannot be done is kept with its reason.
    DeadLetters,
    /// A full queue refuses exactly at its limit.
    Bounded,
    /// It does so at its limit of bytes, too.
    BoundedInBytes,
    /// Lower priorities are delivered first.
    Priority,
    /// A message can be held back.
    Delay,
    /// A channel's deliveries can be held back.
    Pause,
    /// A reply and the end of its lease are one operation.
    AtomicReply,
    /// The sender learns that a message was accepted.
    Confirms,
    /// What is there after the broker has crashed.
    Keeps,
    /// Connections outlive the broker's crash.
    Reconnects,
    /// The largest envelope that arrives, in bytes.
    LargestEnvelope,
}

impl Guarantee {
    /// Every column.
    pub(crate) const ALL: [Self; 15] = [
        Self::Redelivery,
        Self::AtOnce,
        Self::InPlace,
        Self::FreeRelease,
        Self::DeadLetters,
        Self::Bounded,
        Self::BoundedInBytes,
        Self::Priority,
        Self::Delay,
        Self::Pause,
        Self::AtomicReply,
        Self::Confirms,
        Self::Keeps,
        Self::Reconnects,
        Self::LargestEnvelope,
    ];

    /// The column's title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Redelivery => "REDELIVERY",
            Self::AtOnce => "AT ONCE",
            Self::InPlace => "IN PLACE",
            Self::FreeRelease => "FREE RELEASE",
            Self::DeadLetters => "DEAD LETTERS",
            Self::Bounded => "BOUNDED",
            Self::BoundedInBytes => "BYTES",
            Self::Priority => "PRIORITY",
            Self::Delay => "DELAY",
            Self::Pause => "PAUSE",
            Self::AtomicReply => "ATOMIC REPLY",
            Self::Confirms => "CONFIRMS",
            Self::Keeps => "KEEPS",
            Self::Reconnects => "RECONNECTS",
            Self::LargestEnvelope => "LARGEST ENVELOPE",
        }
    }

    /// A rule has shown that it holds.
    pub(crate) fn kept(self) -> Shown {
        self.is("yes")
    }

    /// A rule has shown that it does not: the operation was refused, or the weaker promise held.
    pub(crate) fn refused(self) -> Shown {
        self.is("-")
    }

    /// A rule has shown how far it holds.
    pub(crate) fn is(self, cell: impl Into<String>) -> Shown {
        Shown { guarantee: self, cell: cell.into() }
    }
}

/// What a rule has shown of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub(crate) guarantee: Guarantee,
    pub(crate) cell: String,
}

/// What a rule returns that was not broken: what it has shown, if it decides a cell.
pub trait Verdict {
    /// What was shown.
    fn shown(self) -> Option<Shown>;
}

impl Verdict for () {
    fn shown(self) -> Option<Shown> {
        None
    }
}

impl Verdict for Shown {
    fn shown(self) -> Option<Shown> {
        Some(self)
    }
}
