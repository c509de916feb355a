//! What the engine answers to an operator, in the port's words.

use skyloom_broker::engine::{AdminAnswer, DeadMessage};
use skyloom_core::{
    Envelope,
    broker::{BrokerError, ChannelStats, DeadLetter, Depth},
};

type Result<T> = std::result::Result<T, BrokerError>;

fn unexpected<T>() -> Result<T> {
    Err(BrokerError::refused("its answer does not fit the question; are both of the same version?"))
}

pub(crate) fn channels<M>(answer: AdminAnswer<M>) -> Result<Vec<ChannelStats>> {
    match answer {
        AdminAnswer::Channels(channels) => Ok(channels),
        _ => unexpected(),
    }
}

pub(crate) fn depth<M>(answer: AdminAnswer<M>) -> Result<Depth> {
    match answer {
        AdminAnswer::Depth(depth) => Ok(depth),
        _ => unexpected(),
    }
}

pub(crate) fn count<M>(answer: AdminAnswer<M>) -> Result<u64> {
    match answer {
        AdminAnswer::Count(count) => Ok(count),
        _ => unexpected(),
    }
}

pub(crate) fn dead<M>(answer: AdminAnswer<M>, envelope: impl Fn(M) -> Result<Envelope>) -> Result<Vec<DeadLetter>> {
    let AdminAnswer::Dead(letters) = answer else { return unexpected() };
    let letter = |DeadMessage { number, id, reason, attempts, age, body }| {
        Ok(DeadLetter { number, id, reason, attempts, age, envelope: envelope(body)? })
    };
    letters.into_iter().map(letter).collect()
}
