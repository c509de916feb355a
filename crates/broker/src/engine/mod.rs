//! The engine: a pure state machine, `step(now, input) -> outputs`, without clock, socket or
//! randomness of its own.

mod input;
mod limits;
mod output;

pub use self::{
    input::{AdminCommand, Conn, ConsumerId, Input, Message, Settle, Ticket},
    limits::Limits,
    output::{AdminAnswer, DeadMessage, Output, RegistryChange, Totals},
};
