//! Real programs, started, signalled and stopped by the tests.

mod http;
mod process;
mod site;

pub(crate) use skyloom_testing::programs::{program, root};

pub(crate) use self::{
    http::{free_port, http, try_http},
    process::{Killed, Process},
    site::{Site, call, depth, eventually},
};
