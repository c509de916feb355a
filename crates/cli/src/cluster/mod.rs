//! `sky up`: a whole cluster of processes from one file.

mod backoff;
mod form;
mod keys;
mod origin;
mod place;
mod source;
mod order;
mod file;
mod fixed;
mod logs;
mod probe;
mod program;
mod signals;
mod plan;
mod settings_file;
mod blueprint;
mod difference;
mod build;
mod examine;
mod board;
mod process;
mod obstacles;
mod run_dir;
mod life;
mod supervise;
mod crew;
mod changes;
mod run;
mod up;
mod export;

pub(crate) use self::{
    examine::{Examined, examine},
    export::{SuperviseArgs, supervise},
    place::Place,
    up::{UpArgs, up},
};
