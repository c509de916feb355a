//! The method that a command is about: found by its name, its messages read and written as JSON.

mod find;
mod shape;
mod fields;
mod input;
mod event;
mod message;

pub(crate) use self::{
    event::{event_readers, event_shapes},
    find::{Target, split_method, suggest_service},
    input::{Input, MessageArgs},
    message::{Message, as_json, check_json, one_line, request_text},
    shape::{bare, kind},
};
