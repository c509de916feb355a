//! [`QuietSocket`]: a Unix socket that does not wake its owner for nothing.

use std::{
    io::{self, ErrorKind},
    net::Shutdown,
    os::fd::{AsFd as _, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream, unix::pipe},
    time::{Sleep, sleep},
};

/// A connected Unix socket that is watched for what can be read, and for room to write only while a write has to
/// wait for it. Linux reports room on a Unix socket whenever the other side has read something, which wakes the owner
/// of a socket that is watched for both once more for each message that it has sent.
///
/// tokio watches sockets for both. Ends of pipes it watches for one, and to the event loop a descriptor is a descriptor.
#[derive(Debug)]
pub struct QuietSocket {
    socket: pipe::Receiver,
    /// The same socket, while a write has to wait.
    waiting: Option<pipe::Sender>,
    /// When a write tries again that has to wait and cannot watch the socket.
    again: Option<Pin<Box<Sleep>>>,
}

/// How long a write waits before it tries again, where there is no descriptor left to watch for room.
const PAUSE: Duration = Duration::from_millis(10);

impl QuietSocket {
    /// Takes over a socket.
    ///
    /// # Errors
    /// If the event loop cannot watch it.
    pub fn new(socket: UnixStream) -> io::Result<Self> {
        let socket = pipe::Receiver::from_owned_fd_unchecked(OwnedFd::from(socket.into_std()?))?;
        Ok(Self { socket, waiting: None, again: None })
    }

    /// The same socket, watched for room to write.
    fn watched(&self) -> io::Result<pipe::Sender> {
        pipe::Sender::from_owned_fd_unchecked(self.socket.as_fd().try_clone_to_owned()?)
    }
}

/// A connection that can say that it reads no more.
pub(super) trait Deafen {
    /// Has every later write of the other side fail, as far as the connection can; what was written before can be read.
    fn deafen(&self) -> io::Result<()>;
}

impl Deafen for QuietSocket {
    fn deafen(&self) -> io::Result<()> {
        SockRef::from(&self.socket).shutdown(Shutdown::Read)
    }
}

/// TCP does not tell the other side.
impl Deafen for TcpStream {
    fn deafen(&self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for QuietSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for QuietSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(again) = &mut self.again {
                ready!(again.as_mut().poll(cx));
                self.again = None;
            }
            if let Some(waiting) = &mut self.waiting {
                let written = ready!(Pin::new(waiting).poll_write(cx, bytes));
                self.waiting = None;
                return Poll::Ready(written);
            }
            match SockRef::from(&self.socket).send(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.watched() {
                    Ok(waiting) => self.waiting = Some(waiting),
                    // The process has no descriptor left, or the system none. That ends no connection.
                    Err(error) => {
                        tracing::debug!(%error, "a write waits without watching its socket");
                        self.again = Some(Box::pin(sleep(PAUSE)));
                    }
                },
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.socket).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::UnixStream,
    };

    use super::QuietSocket;

    /// Both ends of a connection.
    fn pair() -> (QuietSocket, QuietSocket) {
        let (one, other) = UnixStream::pair().unwrap();
        (QuietSocket::new(one).unwrap(), QuietSocket::new(other).unwrap())
    }

    #[tokio::test]
    async fn more_than_the_kernel_holds_goes_through_and_comes_in_order() {
        let (mut one, mut other) = pair();
        let sent: Vec<u8> = (0..8 << 20).map(|byte: u32| (byte % 251) as u8).collect();
        let copy = sent.clone();
        let writer = tokio::spawn(async move {
            one.write_all(&copy).await.unwrap();
            assert!(one.waiting.is_none(), "room is watched for no longer");
            one.shutdown().await.unwrap();
            one
        });
        let mut received = Vec::new();
        other.read_to_end(&mut received).await.unwrap();
        assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
        drop(writer.await.unwrap());
    }

    #[tokio::test]
    async fn both_directions_wait_for_each_other() {
        let (mut one, mut other) = pair();
        let echo = tokio::spawn(async move {
            let mut byte = [0];
            while other.read(&mut byte).await.unwrap() == 1 {
                other.write_all(&byte).await.unwrap();
            }
        });
        for byte in 0..200 {
            one.write_all(&[byte]).await.unwrap();
            assert_eq!(one.read_u8().await.unwrap(), byte);
        }
        drop(one);
        echo.await.unwrap();
    }

    #[tokio::test]
    async fn an_end_that_is_gone_is_an_end_or_an_error_and_never_a_hang() {
        let (mut one, other) = pair();
        drop(other);
        assert_eq!(one.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(one.write_all(&[0; 8]).await.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_writer_that_waits_hears_that_the_reader_is_gone() {
        let (mut one, other) = pair();
        let writer = tokio::spawn(async move { one.write_all(&vec![0; 8 << 20]).await });
        // It has filled what the kernel holds before this goes on.
        tokio::task::yield_now().await;
        drop(other);
        writer.await.unwrap().unwrap_err();
    }
}
