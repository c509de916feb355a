//! `sky supervise`: a cluster file as what an existing supervisor runs.

mod pieces;

mod tree;

mod stale;

mod exposed;

mod daemontools;

mod systemd;

mod command;

pub(crate) use self::command::{SuperviseArgs, supervise};
