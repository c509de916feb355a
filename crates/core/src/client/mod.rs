//! The calling side: one private inbox for each client, many calls at once.

mod attempt;
mod handle;
mod layered;
mod options;
mod pending;
mod request;
mod retry;
mod scope;
mod shared;
mod stream;
mod typed;

pub(crate) use self::layered::into_status;
pub use self::{
    handle::Client,
    options::{ClientOptions, RetryPolicy},
    request::{Request, Response},
    scope::Scope,
    stream::ResponseStream,
    typed::{Call, Outgoing, Reply},
};
