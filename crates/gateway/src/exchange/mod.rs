//! What every HTTP request and response has to do with: bodies, headers, errors.

mod body;
mod room;
mod known;
mod request_id;
mod problem;
mod check;
mod collect;
mod timeout;
mod forward;
mod reply_headers;

pub use self::body::Body;
pub(crate) use self::{
    body::Response,
    check::{check, check_host},
    collect::{Unreadable, read},
    forward::{forwarded, trace},
    known::{Known, text},
    problem::{Failure, Problem, respond_with},
    reply_headers::apply,
    request_id::RequestId,
    room::room,
    timeout::{connect_timeout, grpc_timeout},
};
