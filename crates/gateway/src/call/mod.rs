//! Calls of a service on behalf of an HTTP client.

mod inbound;
mod routes;
mod refusal;
mod replies;

pub(crate) use self::{
    inbound::Inbound,
    refusal::{ensure_live, nothing},
    replies::Replies,
    routes::Routes,
};
