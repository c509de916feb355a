//! Real servers for tests: each on a free loopback port with a directory of its own, ended with the test.

mod port;

mod launch;

mod server;

pub use self::{launch::Launch, port::free_port, server::Server};
