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
    place::Place,
    quiet::QuietSocket,
    shortage::Shortage,
    socket::{self, BACKLOG},
};

/// How long to pause after a failure to accept: retrying at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening socket. The place with its file is dropped before the socket: the file is removed while we still listen,
/// so that a broker that starts meanwhile cannot have put its own there.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix { place: Option<Place>, listener: UnixListener },
    Tcp(TcpListener),
}

/// A socket that listens already: a supervisor has opened it, and keeps it open when this process ends.
#[derive(Debug)]
#[non_exhaustive]
pub enum Inherited {
    /// A Unix socket.
    Unix(std::os::unix::net::UnixListener),
    /// A TCP socket on the loopback interface.
    Tcp(std::net::TcpListener),
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
                Ok((Self::Unix { place: Some(Place::new(file)), listener }, Address::Unix(path)))
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

    /// Takes a socket over that listens already, and says where.
    pub(crate) fn inherit(inherited: Inherited) -> Result<(Self, Address), DoorError> {
        let useless = DoorError::Inherited;
        match inherited {
            Inherited::Unix(listener) => {
                let address = listener.local_addr().map_err(useless)?;
                let path = address.as_pathname().ok_or_else(|| useless(io::Error::other("it has no path")))?.to_owned();
                socket::check_mode(&path)?;
                listener.set_nonblocking(true).map_err(useless)?;
                let listener = UnixListener::from_std(listener).map_err(useless)?;
                Ok((Self::Unix { place: None, listener }, Address::Unix(path)))
            }
            Inherited::Tcp(listener) => {
                let address = Address::Tcp(listener.local_addr().map_err(useless)?);
                address.check()?;
                listener.set_nonblocking(true).map_err(useless)?;
                Ok((Self::Tcp(TcpListener::from_std(listener).map_err(useless)?), address))
            }
        }
    }

    /// Whether it is in the place of a broker that has come to no orderly end. Of a socket that stays, that is not known.
    pub(super) fn replaces_another(&self) -> bool {
        matches!(self, Self::Unix { place: Some(place), .. } if place.replaces_another())
    }

    /// The next connection. That there is none at the moment, for instance because the process has
    /// no file descriptor left, must not end the broker. Meanwhile its file is looked after: one that somebody removes is
    /// made anew.
    pub(crate) async fn accept(&mut self, shortage: &mut Shortage) -> Accepted {
        loop {
            match self.try_accept().await {
                Ok(accepted) => return accepted,
                Err(error) => shortage.say(&error),
            }
            time::sleep(ACCEPT_PAUSE).await;
        }
    }

    async fn try_accept(&mut self) -> io::Result<Accepted> {
        match self {
            Self::Unix { place, listener } => {
                let (stream, _) = loop {
                    let Some(place) = place.as_mut() else { break listener.accept().await? };
                    tokio::select! {
                        biased;
                        accepted = listener.accept() => break accepted?,
                        new = place.lost() => *listener = new,
                    }
                };
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
