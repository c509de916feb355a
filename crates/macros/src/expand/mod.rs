//! From model to code. It is thin: it calls generic functions of the core.

mod client;
mod contract_trait;
mod definition;
mod message;

pub(crate) use self::{
    client::client,
    contract_trait::{contract_trait, described_by_trait},
    definition::described,
};
