//! What a service offers: its methods, their types and their HTTP rules.

mod http_rule;
mod model;
mod shape;
mod tracer;

pub use self::{
    http_rule::{HttpBody, HttpRule, HttpVerb},
    model::{Contract, EventContract, MethodContract},
    shape::{Field, Shape},
};
