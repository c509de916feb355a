//! HTTP through the gateway, without a socket.

mod response;
mod stream;
mod request;

pub use self::{
    request::{Http, HttpRequest},
    response::HttpResponse,
    stream::HttpStream,
};
