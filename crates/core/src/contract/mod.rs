//! What a service offers: its methods, their types and their HTTP rules.

mod http_rule;
mod service_ref;
mod shape;
mod tracer;
mod shape_of;
mod model;

pub use self::{
    http_rule::{HttpBody, HttpRule, HttpVerb},
    model::{Contract, EventContract, MethodContract},
    service_ref::ServiceRef,
    shape::{Field, Shape},
};
