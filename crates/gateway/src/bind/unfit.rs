//! What is said of a value that a field cannot have.

use skyloom::Status;

/// A value that a field cannot have.
pub(super) fn unfit(field: &str, expected: &str, text: &str) -> Status {
    let text: String = text.chars().take(64).collect();
    Status::invalid_argument(format!("{field:?} must be {expected}, not {text:?}"))
}
