//! From model to code. It is thin: it calls generic functions of the core.

mod message;
mod client;
mod definition;
mod contract_trait;

pub(crate) use self::{
    client::client,
    contract_trait::{contract_trait, described_by_trait},
    definition::described,
};
