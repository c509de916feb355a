//! Shortens links and counts who follows them: a contract-first service that calls another,
//! publishes an event, and shares its state through Redis if it is told to.

pub mod contract;
mod address;
mod store;
mod settings;
mod service;

pub use self::{
    service::Links,
    settings::Settings,
    store::{Store, StoreError},
};
