//! REST, and JSON or protobuf at `/{package.Service}/{Method}`.

mod content;
mod payload;
mod render;
mod lines;
mod health;
mod serve;

pub(crate) use self::serve::serve;
