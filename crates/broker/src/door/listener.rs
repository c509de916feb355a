//! The two kinds of sockets that a door listens on.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, UnixListener},
    time,
};

use super::{
    Address, DoorError,
    quiet::QuietSocket,
    socket::{self, BACKLOG, SocketFile},
};

/// How long to pause after a failure to accept: retrying at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket. The file is dropped before the socket: it is removed while we still listen, so
/// that a broker that starts meanwhile cannot have put its own there.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix { _file: SocketFile, listener: UnixListener },
    Tcp(TcpListener),
}

/// An accepted connection.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// With the number of the other process, where it is known.
    Unix(QuietSocket, Option<i32>),
    Tcp(TcpStream),
}

impl Listener {
    /// Listens, and says where: with port 0, the operating system has chosen one.
    pub(crate) async fn bind(address: Address) -> Result<(Self, Address), DoorError> {
        address.check()?;
        match address {
            Address::Unix(path) => {
                let (listener, file) = socket::bind(&path).await?;
                Ok((Self::Unix { _file: file, listener }, Address::Unix(path)))
            }
            Address::Tcp(asked) => {
                let listener = bind_tcp(asked).map_err(|source| match source.kind() {
                    ErrorKind::AddrInUse => DoorError::InUse(Address::Tcp(asked)),
                    _ => DoorError::Bind { address: Address::Tcp(asked), source },
                })?;
                let bound =
                    listener.local_addr().map_err(|source| DoorError::Bind { address: Address::Tcp(asked), source })?;
                Ok((Self::Tcp(listener), Address::Tcp(bound)))
            }
        }
    }

    /// The next connection. That there is none at the moment, for instance because the process has
    /// no file descriptor left, must not end the broker.
    pub(crate) async fn accept(&self) -> Accepted {
        loop {
            match self.try_accept().await {
                Ok(accepted) => return accepted,
                Err(error) => tracing::warn!(%error, "a connection could not be accepted"),
            }
            time::sleep(ACCEPT_PAUSE).await;
        }
    }

    async fn try_accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let process = stream.peer_cred().ok().and_then(|credentials| credentials.pid());
                Ok(Accepted::Unix(QuietSocket::new(stream)?, process))
            }
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Frames are batched here; the kernel must not hold them back as well.
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream))
            }
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // After a restart, connections of before may still be lingering.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
