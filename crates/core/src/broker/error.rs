//! What can go wrong between a client or worker and its broker.

use crate::{Guid, Outcome, Status};

/// Why the broker did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// A limit is reached; nothing was accepted.
    #[error("{what} is full: {limit}")]
    Full {
        /// What is full, such as `queue greeter.v1`.
        what: String,
        /// The limit, such as `100000 messages`.
        limit: String,
    },
    /// The message is larger than the broker takes.
    #[error("the message has {size} bytes; the broker takes at most {limit}")]
    TooLarge {
        /// The message's size in bytes.
        size: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// The broker cannot be reached; nothing was sent.
    #[error("the broker is not available: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It was sent, and then the connection, or the worker without another attempt, was lost: whether it was accepted or
    /// executed is unknown.
    #[error("the broker cannot say what became of it: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
    /// The message's time ran out before a worker took it; it was dropped unexecuted.
    #[error("the time ran out before a worker was free")]
    Expired,
    /// The message was attempted as often as it may be and is a dead letter now.
    #[error("it failed {attempts} times and is a dead letter now: {reason}")]
    Dead {
        /// How often it was attempted.
        attempts: u32,
        /// Why the last attempt failed.
        reason: String,
    },
    /// The instance that it was for does not run, or not any more; it was not executed.
    #[error("no instance {instance} is running; `sky instances` lists those that are")]
    Gone {
        /// The instance.
        instance: Guid,
    },
    /// The lease has ended, so that settling it changed nothing.
    #[error("the lease has ended; somebody else has the work now")]
    Stale,
    /// The broker cannot do this at all; see [`Capabilities`](super::Capabilities).
    #[error("{broker} cannot {operation}")]
    Unsupported {
        /// The broker's name.
        broker: &'static str,
        /// What it cannot do.
        operation: &'static str,
    },
    /// The broker refused the operation.
    #[error("the broker refused: {reason}")]
    Refused {
        /// Why, and what to do.
        reason: String,
    },
}

impl BrokerError {
    /// The broker cannot be reached, for this reason.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    /// What became of it is not known, for this reason.
    #[must_use]
    pub fn lost(reason: impl Into<String>) -> Self {
        Self::Lost { reason: reason.into() }
    }

    /// The message's time ran out before a worker took it for another attempt than those that it has had. Those may
    /// have done something: "dropped unexecuted" is only said of a message that had none.
    #[must_use]
    pub fn expired_after(attempts: u32) -> Self {
        match attempts {
            0 => Self::Expired,
            1 => Self::lost("its time ran out after a failed attempt"),
            failed => Self::lost(format!("its time ran out after {failed} failed attempts")),
        }
    }

    /// What [`Leases::extend`](super::Leases::extend) says of a stream that nobody reads.
    #[must_use]
    pub fn unread() -> Self {
        Self::refused("nobody reads this stream any more: end it")
    }

    /// The broker refused, for this reason.
    #[must_use]
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

impl From<BrokerError> for Status {
    fn from(error: BrokerError) -> Self {
        let message = error.to_string();
        match error {
            BrokerError::Full { .. } => Self::resource_exhausted(message).with_outcome(Outcome::NotStarted),
            BrokerError::TooLarge { .. } => {
                Self::resource_exhausted(message).with_outcome(Outcome::NotStarted).with_retry_safe(false)
            }
            BrokerError::Unavailable { .. } => Self::unavailable(message).with_outcome(Outcome::NotStarted),
            BrokerError::Lost { .. } => Self::aborted(message).with_outcome(Outcome::Unknown),
            BrokerError::Expired => Self::deadline_exceeded(message).with_outcome(Outcome::NotStarted),
            BrokerError::Dead { .. } => Self::internal(message).with_outcome(Outcome::Unknown),
            BrokerError::Gone { .. } => Self::not_found(message).with_outcome(Outcome::NotStarted),
            BrokerError::Stale => Self::aborted(message),
            BrokerError::Unsupported { .. } => Self::unimplemented(message),
            BrokerError::Refused { .. } => Self::failed_precondition(message).with_outcome(Outcome::NotStarted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BrokerError;
    use crate::{Outcome, Status};

    #[test]
    fn only_what_had_no_attempt_was_certainly_not_started() {
        let outcome = |attempts| Status::from(BrokerError::expired_after(attempts)).outcome();
        assert_eq!([0, 1, 2].map(outcome), [Outcome::NotStarted, Outcome::Unknown, Outcome::Unknown]);
    }
}
