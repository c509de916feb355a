//! What HTTP/1.1 needs of a socket beyond what hyper does.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{linger::Linger, refusal::Refusals, socket::Socket, unread::Unread};

/// A head and a body that are no longer together are written as one piece.
const TOGETHER: usize = 1024;

/// The socket of an HTTP/1.1 connection. It is not closed before the client has had the time to read its answer, and
/// what hyper refuses by itself gets a sentence.
pub(super) struct Http1Socket {
    socket: Socket,
    unread: Unread,
    refusals: Refusals,
    /// What is left to be written of a refusal.
    refusal: Bytes,
    /// A head with its body.
    whole: Vec<u8>,
    /// There is one once everything is written.
    linger: Option<Linger>,
}

impl Http1Socket {
    pub(super) fn new(socket: Socket, unread: Unread, refusals: Refusals) -> Self {
        Self { socket, unread, refusals, refusal: Bytes::new(), whole: Vec::new(), linger: None }
    }
}

impl AsyncRead for Http1Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.unread.begin();
        }
        read
    }
}

impl AsyncWrite for Http1Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let Self { socket, refusals, refusal, .. } = &mut *self;
        if refusal.is_empty() {
            match refusals.explained(data) {
                Some(explained) => *refusal = explained,
                None => return Pin::new(socket).poll_write(cx, data),
            }
        }
        while !refusal.is_empty() {
            let written = ready!(Pin::new(&mut *socket).poll_write(cx, refusal))?;
            refusal.advance(written);
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match data {
            // A refusal is a head without a body.
            [head] => return self.poll_write(cx, head),
            [head, body] if head.len() + body.len() <= TOGETHER => {
                // Writing one piece costs the kernel less than writing two, more than copying so few bytes does.
                let Self { socket, whole, .. } = &mut *self;
                whole.clear();
                whole.extend_from_slice(head);
                whole.extend_from_slice(body);
                return Pin::new(socket).poll_write(cx, whole);
            }
            _ => {}
        }
        Pin::new(&mut self.socket).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, unread, linger, .. } = &mut *self;
        if linger.is_none() {
            ready!(Pin::new(&mut *socket).poll_shutdown(cx))?;
            if !unread.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
        linger.get_or_insert_default().poll(socket, cx).map(Ok)
    }
}
