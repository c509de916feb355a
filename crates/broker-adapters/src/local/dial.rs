//! Making a connection: the socket, then the hello.

use std::io;

use bytes::BytesMut;
use skyloom_broker::{
    door::{Address, QuietSocket},
    wire::{Accepted, ClientHello, ServerHello, VERSION},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

/// A connected socket.
pub(super) enum Socket {
    Unix(QuietSocket),
    Tcp(TcpStream),
}

/// A connection on which frames may follow.
pub(super) struct Dialled {
    pub(super) socket: Socket,
    pub(super) accepted: Accepted,
    /// What came right behind the hello.
    pub(super) rest: BytesMut,
}

/// Connects and says hello. Once it is connected, `meanwhile` is told why it is not done yet.
///
/// # Errors
/// The sentence that says why not.
pub(super) async fn dial(
    address: &Address,
    hello: &ClientHello,
    meanwhile: impl FnOnce(String),
) -> Result<Dialled, String> {
    let unreachable = |error: io::Error| unreachable(address, &error);
    match address {
        Address::Unix(path) => {
            address.check_owner().map_err(|error| error.to_string())?;
            let socket = UnixStream::connect(path).await.map_err(unreachable)?;
            let mut socket = QuietSocket::new(socket).map_err(unreachable)?;
            meanwhile(silent(address));
            let (accepted, rest) = greet(address, &mut socket, hello).await?;
            Ok(Dialled { socket: Socket::Unix(socket), accepted, rest })
        }
        Address::Tcp(host) => {
            let mut socket = TcpStream::connect(host).await.map_err(unreachable)?;
            // Frames are gathered before they are written, so that waiting for more gains nothing.
            socket.set_nodelay(true).map_err(unreachable)?;
            meanwhile(silent(address));
            let (accepted, rest) = greet(address, &mut socket, hello).await?;
            Ok(Dialled { socket: Socket::Tcp(socket), accepted, rest })
        }
        _ => Err(format!("{address} is of a kind that this version does not know")),
    }
}

/// What is said of a broker that takes a connection, which the operating system does for it, and says nothing.
pub(super) fn silent(address: &Address) -> String {
    format!("{address} takes connections and does not answer; see whether its process is stopped or hangs")
}

/// Why no socket is reached.
fn unreachable(address: &Address, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!("nobody listens at {address}; start one with `sky up` or `sky broker`")
        }
        io::ErrorKind::PermissionDenied => format!(
            "this user has no right to a socket at {address}, whether there is one or not; choose a directory of this \
             user's, which for local: is XDG_RUNTIME_DIR"
        ),
        _ => format!("{address} cannot be reached: {error}"),
    }
}

async fn greet(
    address: &Address,
    socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
    hello: &ClientHello,
) -> Result<(Accepted, BytesMut), String> {
    let broken = |error: io::Error| format!("{address} broke the connection: {error}");
    let mut buffer = BytesMut::new();
    hello.encode(&mut buffer);
    socket.write_all_buf(&mut buffer).await.map_err(broken)?;
    loop {
        match ServerHello::decode(&mut buffer).map_err(|error| format!("{address} is no broker: {error}"))? {
            Some(ServerHello::Accepted(accepted)) => {
                if accepted.version < VERSION {
                    let (theirs, ours) = (accepted.version, VERSION);
                    tracing::warn!(%address, theirs, ours, "the broker is older than this process; using its version");
                }
                return Ok((accepted, buffer));
            }
            Some(ServerHello::Refused(reason)) => return Err(format!("{address} refused the connection: {reason}")),
            None => {}
        }
        if socket.read_buf(&mut buffer).await.map_err(broken)? == 0 {
            return Err(format!("{address} closed the connection before it said hello"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_at_is_not_said_to_be_there() {
        let address: Address = "unix:/root/none/broker.sock".parse().unwrap();
        let said = |kind: io::ErrorKind| unreachable(&address, &kind.into());
        assert!(said(io::ErrorKind::PermissionDenied).starts_with(
            "this user has no right to a socket at unix:/root/none/broker.sock, whether there is one or not; choose "
        ));
        assert_eq!(
            said(io::ErrorKind::NotFound),
            "nobody listens at unix:/root/none/broker.sock; start one with `sky up` or `sky broker`"
        );
    }
}
