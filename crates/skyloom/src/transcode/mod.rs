//! JSON in and out of payloads, by a service's contract.

mod hint;
mod text;
mod parse;
mod shape;
mod one_field;
mod message;
mod method;
mod outline;
mod service;
mod translator;

pub use self::{
    hint::hint,
    message::{find_field, json_of, parse_field, parse_message},
    method::{MethodTranscoder, Types},
    outline::outline,
    parse::parse_json,
    service::{TranscodeError, Transcoder},
    shape::Check,
    text::check_text,
    translator::translator,
};
