//! The serving side of a service: its definition, as `#[service]` writes it, and the tower service
//! that runs its handlers.

mod exchange;
mod method;
mod event;
mod translate;
mod definition;
mod no_contract;
mod index;
mod handler;

pub(crate) use self::index::Index;
pub use self::{
    definition::{Definition, Described},
    event::Event,
    exchange::{Answer, Body, Incoming},
    handler::HandlerService,
    method::{Method, MethodOptions},
    no_contract::{IsContract, NoContract},
    translate::{MakeTranslator, Translate},
};
