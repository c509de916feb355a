//! The serving side: takes deliveries, runs handlers, settles, drains.

mod log;
mod in_flight;
mod options;
mod outcome;
mod register;
mod running;
mod stats;
mod shared;
mod control;
mod lane;
mod settling;
mod supervise;
mod start;
mod execute;
mod hands;
mod alone;
mod consume;
mod own;
mod server;

pub use self::{
    control::{CONTROL_METHODS, DrainAnswer, PingAnswer},
    log::{LogAnswer, LogControl, LogRequest},
    options::WorkerOptions,
    server::{Running, Server},
    stats::{InstanceStats, MethodStats},
};
