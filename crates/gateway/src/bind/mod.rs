//! Puts the text of a path or a query into the fields of a request.

mod query;
mod named;
mod unfit;
mod scalar;
mod message;
mod json;

pub use self::json::{Parts, bind_json};
pub(crate) use self::{json::find_json, message::bind_message, named::Named, query::pairs};
