//! Real programs, started, signalled and stopped by the tests.

mod http;
mod process;
mod programs;
mod site;

pub(crate) use self::{
    http::{free_port, http, try_http},
    process::{Killed, Process},
    programs::{program, root},
    site::{Site, call, depth, eventually},
};
