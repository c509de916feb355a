//! The client's side of beanstalkd's protocol, without a socket: commands out, replies in.

mod command;

mod reply;

mod stats;

pub(super) use self::{
    command::{Command, whole_seconds},
    reply::Reply,
    stats::{Stats, names},
};
