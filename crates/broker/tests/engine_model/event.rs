//! What engine and model say, in a form in which both can be compared.

use skyloom_core::broker::BrokerError;

/// A kind of error, by name.
pub(crate) type Kind = &'static str;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Deliver { conn: u64, consumer: u32, message: u32, attempt: u32 },
    Reply { conn: u64, inbox: u8, body: u32 },
    Refused { conn: u64, inbox: u8, message: u32, error: Kind },
    Done { conn: u64, result: Result<(), Kind> },
    Count { conn: u64, count: u64 },
}

pub(crate) fn kind(error: &BrokerError) -> Kind {
    match error {
        BrokerError::Full { .. } => "full",
        BrokerError::TooLarge { .. } => "too large",
        BrokerError::Unavailable { .. } => "unavailable",
        BrokerError::Lost { .. } => "lost",
        BrokerError::Expired => "expired",
        BrokerError::Dead { .. } => "dead",
        BrokerError::Stale => "stale",
        BrokerError::Refused { .. } => "refused",
        BrokerError::Gone { .. } => "gone",
        _ => "another",
    }
}

/// Each listener's events together, in their order. Only the refusals of one step come in none:
/// several calls that fail together fail at the same moment.
pub(crate) fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| match *event {
        Event::Done { conn, .. } | Event::Count { conn, .. } => (0, conn, 0, 0),
        Event::Deliver { conn, consumer, .. } => (1, conn, consumer, 0),
        Event::Reply { conn, inbox, .. } => (2, conn, inbox.into(), 0),
        Event::Refused { conn, inbox, message, .. } => (3, conn, inbox.into(), message),
    });
    events
}
