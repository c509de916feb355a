//! Puts the text of a path or a query into the fields of a request.

mod query;
mod unfit;
mod scalar;
mod message;
mod json;

pub use self::json::{Parts, bind_json};
pub(crate) use self::{message::bind_message, query::pairs};
