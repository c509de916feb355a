//! The serving side: takes deliveries, runs handlers, settles, drains.

mod control;
mod execute;
mod in_flight;
mod lane;
mod options;
mod outcome;
mod register;
mod running;
mod server;
mod shared;
mod stats;
mod supervise;

pub use self::{
    control::{CONTROL_METHODS, DrainAnswer, PingAnswer},
    options::WorkerOptions,
    server::{Running, Server},
    stats::{InstanceStats, MethodStats},
};
