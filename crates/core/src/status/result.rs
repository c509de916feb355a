//! The result of what can end with a [`Status`].

use super::Status;

/// A result whose error is a [`Status`].
pub type Result<T, E = Status> = std::result::Result<T, E>;
