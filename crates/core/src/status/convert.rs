//! What becomes a [`Status`] through `?`.

use super::{Outcome, Status};
use crate::{NameError, broker::BrokerError};

impl From<NameError> for Status {
    fn from(error: NameError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<std::io::Error> for Status {
    fn from(error: std::io::Error) -> Self {
        Self::internal(format!("input or output failed: {error}"))
    }
}

impl From<serde_json::Error> for Status {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid_argument(format!("not the expected JSON: {error}"))
    }
}

impl From<prost::DecodeError> for Status {
    fn from(error: prost::DecodeError) -> Self {
        Self::invalid_argument(format!("not the expected protobuf message: {error}"))
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
            BrokerError::Stale => Self::aborted(message),
            BrokerError::Unsupported { .. } => Self::unimplemented(message),
            BrokerError::Refused { .. } => Self::failed_precondition(message).with_outcome(Outcome::NotStarted),
        }
    }
}
