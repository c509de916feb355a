//! What becomes a [`Status`] through `?`.

use super::Status;
use crate::NameError;

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
