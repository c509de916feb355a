//! The engine: a pure state machine, `step(now, input) -> outputs`, without clock, socket or
//! randomness of its own.

mod limits;
mod message;
mod job;
mod input;
mod output;
mod state;
mod machine;
mod rules;
mod snapshot;

pub use self::{
    input::{AdminCommand, Conn, ConsumerId, Input, Settle, Ticket},
    job::{
        DEFAULT_TUBE, JobAnswer, JobCommand, JobState, JobStats, JobTotals, MAX_TUBE_NAME, Peek, TubeName, TubeStats,
    },
    limits::{LISTED, Limits},
    machine::Engine,
    message::Message,
    output::{AdminAnswer, DeadMessage, Output, RegistryChange, Totals},
    snapshot::Exported,
};
