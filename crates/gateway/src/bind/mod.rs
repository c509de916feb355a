//! Puts the text of a path or a query into the fields of a request.

mod query;
mod scalar;
mod message;
mod json;

pub(crate) use self::{json::bind_json, message::bind_message, query::pairs};

use skyloom::Status;

/// A value that a field cannot have.
fn unfit(field: &str, expected: &str, text: &str) -> Status {
    let text: String = text.chars().take(64).collect();
    Status::invalid_argument(format!("{field:?} must be {expected}, not {text:?}"))
}
