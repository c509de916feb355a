//! `sky bench`: a closed loop of calls and its latencies.

mod load;
mod report;
mod command;

pub(crate) use self::command::{BenchArgs, bench};
