//! From syntax to model. Whatever is understood is kept, whatever is not is reported.

mod attributes;
mod event;
mod function;
mod handler;
mod rule;
mod service;

pub(crate) use self::{
    attributes::strip,
    service::{service_impl, service_trait},
};
