//! JSON in and out of payloads, by a service's contract.

mod hint;
mod text;
mod parse;
mod shape;
mod find;
mod number;
mod scalar;
mod well_known;
mod read;
mod write;
mod one_field;
mod message;
mod method;
mod outline;
mod service;
mod translator;

pub use self::{
    find::find_field,
    hint::hint,
    message::{json_of, parse_field, parse_message},
    method::{MethodTranscoder, Types},
    outline::outline,
    parse::parse_json,
    service::{TranscodeError, Transcoder},
    shape::Check,
    text::check_text,
    translator::translator,
};
