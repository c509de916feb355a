//! The engine: a pure state machine, `step(now, input) -> outputs`, without clock, socket or
//! randomness of its own.

mod limits;
mod input;
mod output;
mod state;
mod machine;
mod rules;
mod snapshot;

pub use self::{
    input::{AdminCommand, Conn, ConsumerId, Input, Message, Settle, Ticket},
    limits::{LISTED, Limits},
    machine::Engine,
    output::{AdminAnswer, DeadMessage, Output, RegistryChange, Totals},
    snapshot::Exported,
};
