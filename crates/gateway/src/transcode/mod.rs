//! JSON in and out of payloads, by a service's contract.

mod text;
mod parse;
mod shape;
mod one_field;
mod message;
mod method;
mod service;

pub(crate) use self::{
    message::{find_field, json_of, parse_field, parse_message},
    parse::parse_json,
    shape::Check,
    text::check_text,
};
pub use self::{
    method::{MethodTranscoder, Types},
    service::{TranscodeError, Transcoder},
};
