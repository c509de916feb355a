//! The listening socket that a supervisor hands over.

use std::net::TcpListener;

use listenfd::ListenFd;

use crate::error::GatewayError;

/// The listening socket that a supervisor has opened and hands over (`LISTEN_FDS`, sd_listen_fds(3)): systemd by a
/// socket unit, or `sky hold`. It stays open when this process ends, so that nobody is refused until the next one
/// takes it over. None if the process was started without one. It can be taken once.
///
/// # Errors
/// If what was handed over is no TCP socket.
pub fn inherited_listener() -> Result<Option<TcpListener>, GatewayError> {
    ListenFd::from_env().take_tcp_listener(0).map_err(GatewayError::Inherited)
}
