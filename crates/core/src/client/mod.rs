//! The calling side: one private inbox for each client, many calls at once.

mod options;
mod pending;
mod retry;
mod scope;
mod request;
mod layered;
mod shared;
mod attempt;
mod stream;
mod handle;
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
