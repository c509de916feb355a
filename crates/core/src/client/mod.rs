//! The calling side: one private inbox for each client, many calls at once.

mod options;
mod buffer;
mod dismissed;
mod table;
mod pending;
mod retry;
mod scope;
mod request;
mod layered;
mod shared;
mod attempt;
mod exchange;
mod stream;
mod one_way;
mod making;
mod handle;
mod named;
mod reply;
mod typed;

pub(crate) use self::layered::into_status;
pub use self::{
    handle::Client,
    making::Making,
    named::{MethodRef, ServiceClient},
    options::{ClientOptions, RetryPolicy},
    reply::{Outgoing, Reply},
    request::{Request, Response},
    scope::Scope,
    stream::ResponseStream,
    typed::Call,
};
