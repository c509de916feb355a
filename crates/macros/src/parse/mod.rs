//! From syntax to model. Whatever is understood is kept, whatever is not is reported.

mod attributes;
mod function;
mod event;
mod rule;
mod execution;
mod handler;
mod executed;
mod service;

pub(crate) use self::{
    attributes::strip,
    executed::executed,
    service::{service_impl, service_trait},
};
