//! Calls of a service on behalf of an HTTP client.

mod routes;
mod request;
mod replies;

pub(crate) use self::{
    replies::Replies,
    request::{ensure_live, missing, request},
    routes::Routes,
};
