//! The listening socket that a supervisor hands over.

use std::net::TcpListener;

use listenfd::ListenFd;

use crate::error::GatewayError;

/// The listening socket that a supervisor has opened and hands over (`LISTEN_FDS`, sd_listen_fds(3)): systemd by a
/// socket unit, `sky hold` or `sky up`. It stays open when this process ends, so that nobody is refused until the next one
/// takes it over. None if the process was started without one. It can be taken once.
///
/// # Errors
/// If what was handed over is no TCP socket.
pub fn inherited_listener() -> Result<Option<TcpListener>, GatewayError> {
    let listener = ListenFd::from_env().take_tcp_listener(0).map_err(GatewayError::Inherited)?;
    // systemd counts from 3; a holder that is this process's parent gives it as another.
    if listener.is_some() && std::env::var_os("LISTEN_FDS_FIRST_FD").is_some() {
        end_with_parent();
    }
    Ok(listener)
}

/// Has the kernel send this process SIGTERM when its parent dies. A holder that is killed can tell its program nothing;
/// a program that went on would keep the address, and the next holder could not have it.
#[cfg(target_os = "linux")]
fn end_with_parent() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        tracing::warn!(%error, "this process will not notice the death of the one that holds its socket");
    }
}

/// Other systems have nothing of the kind.
#[cfg(not(target_os = "linux"))]
fn end_with_parent() {}
