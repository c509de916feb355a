//! How a program is given the socket.

use std::{io, net::TcpListener, os::fd::OwnedFd, process::Stdio};

use tokio::process::Command;

/// Has a program start with the listening socket as its standard input, which is the one place to which the standard
/// library hands a file down, and says so as a supervisor does: `LISTEN_FDS`, with `LISTEN_FDS_FIRST_FD` of
/// listenfd and systemfd. Without `LISTEN_PID` any process may take it, which the number cannot be known for.
///
/// # Errors
/// If this process has no room for one more file.
pub(crate) fn hand_down(command: &mut Command, listener: &TcpListener) -> io::Result<()> {
    let listening: OwnedFd = listener.try_clone()?.into();
    command.stdin(Stdio::from(listening));
    command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", "0");
    command.env_remove("LISTEN_PID").env_remove("LISTEN_FDNAMES");
    Ok(())
}
