//! Ports that nobody uses.

use std::net::{Ipv4Addr, TcpListener};

/// A port of the loopback interface on which nobody listens now.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}
