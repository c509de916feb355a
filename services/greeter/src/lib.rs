//! Greets people: the smallest contract-first service.

pub mod contract;
mod service;

pub use self::service::Greeter;
