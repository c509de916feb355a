//! What can be wrong with received bytes.

use skyloom_core::{NameError, broker::BrokerError};

/// Bytes that do not follow the protocol. Whoever receives them ends the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The first bytes are not the protocol's.
    #[error("it does not speak this protocol: it began with {0:?} and not with \"SKYL\"")]
    Magic(String),
    /// A frame is longer than it may be.
    #[error("a frame of {length} bytes was announced; at most {limit} are taken")]
    Oversize {
        /// The length that was announced.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A frame of no bytes, which has not even a type.
    #[error("an empty frame; each begins with its type")]
    Empty,
    /// A frame of a type that this version does not have.
    #[error("a frame of the unknown type {0:#04x}; check that both sides speak the same version")]
    UnknownType(u8),
    /// A frame ends in the middle of a field.
    #[error("the {frame} frame ends in the middle of a field")]
    Cut {
        /// Which frame.
        frame: &'static str,
    },
    /// A frame goes on after its last field.
    #[error("the {frame} frame goes on for {bytes} bytes after its last field")]
    Trailing {
        /// Which frame.
        frame: &'static str,
        /// How many.
        bytes: usize,
    },
    /// A field has a value that it cannot have.
    #[error("{field} in the {frame} frame has an impossible value")]
    Value {
        /// Which frame.
        frame: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// A name breaks the rules.
    #[error("the {frame} frame: {error}")]
    Name {
        /// Which frame.
        frame: &'static str,
        /// Which rule.
        error: NameError,
    },
    /// A frame's JSON cannot be read.
    #[error("the JSON of the {frame} frame cannot be read: {reason}")]
    Json {
        /// Which frame.
        frame: &'static str,
        /// Why.
        reason: String,
    },
}

impl From<WireError> for BrokerError {
    fn from(error: WireError) -> Self {
        Self::refused(error.to_string())
    }
}
