//! How a program is given the socket.

use std::{io, net::TcpListener, os::fd::OwnedFd, process::Stdio};

use tokio::process::Command;

use super::notice::Notice;

/// Has a program start with the listening socket as its standard input, which is the one place to which the standard
/// library hands a file down, and says so as a supervisor does: `LISTEN_FDS`, with `LISTEN_FDS_FIRST_FD` of
/// listenfd and systemfd. Without `LISTEN_PID` any process may take it, which the number cannot be known for. When
/// it is ready, it is to say so on the other socket.
///
/// # Errors
/// If this process has no room for one more file.
pub(crate) fn hand_down(command: &mut Command, listener: &TcpListener, notice: &Notice) -> io::Result<()> {
    let listening: OwnedFd = listener.try_clone()?.into();
    command.stdin(Stdio::from(listening));
    command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", "0").env("NOTIFY_SOCKET", notice.path());
    for told in ["LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID"] {
        command.env_remove(told);
    }
    Ok(())
}
