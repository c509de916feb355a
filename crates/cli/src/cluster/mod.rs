//! `sky up`: a whole cluster of processes from one file.

mod backoff;
mod keys;
mod file;
mod logs;
mod order;
mod probe;
mod program;
mod signals;
mod plan;
mod board;
mod process;
mod obstacles;
mod run_dir;
mod supervise;
mod run;
mod up;
mod export;

pub(crate) use self::{
    export::{SuperviseArgs, supervise},
    up::{UpArgs, up},
};
