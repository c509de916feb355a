//! Path templates of `google.api.http`, as `google/api/http.proto` defines them.

mod model;
mod parse;
mod percent;

pub(crate) use self::{
    model::{Piece, Template, Variable},
    parse::TemplateError,
    percent::{BadEscape, Slashes, decode},
};
