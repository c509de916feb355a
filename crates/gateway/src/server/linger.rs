//! Reads on for a while once everything is written.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Sleep,
};

/// The most that is read away, in bytes: more than whoever sends too much in good faith sends, and tens of
/// milliseconds of work.
const MOST: usize = 64 * 1024 * 1024;
/// How long it may take. A client that has read its answer closes within milliseconds.
const LONGEST: Duration = Duration::from_secs(5);
/// How much is read at a time.
const PIECE: usize = 16 * 1024;

/// Reads away what a client still sends, until it closes. The kernel answers what comes for a closed socket, or was
/// not read before, with a reset, and a reset takes from the client what it has not read yet: the answer (RFC 9112,
/// section 9.6).
pub(super) struct Linger {
    left: usize,
    end: Pin<Box<Sleep>>,
    piece: Box<[u8]>,
}

impl Default for Linger {
    fn default() -> Self {
        let piece = vec![0; PIECE].into_boxed_slice();
        Self { left: MOST, end: Box::pin(tokio::time::sleep(LONGEST)), piece }
    }
}

impl Linger {
    /// Ready when the client has closed, or has had its time, or has sent too much.
    pub(super) fn poll(&mut self, stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<()> {
        while self.left > 0 {
            let mut piece = ReadBuf::new(&mut self.piece);
            match Pin::new(&mut *stream).poll_read(cx, &mut piece) {
                Poll::Pending => return self.end.as_mut().poll(cx),
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    self.left = self.left.saturating_sub(piece.filled().len());
                }
                // The client has closed, or is gone.
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{
        io::{AsyncWriteExt as _, duplex},
        time::Instant,
    };

    use super::{LONGEST, Linger, MOST};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_closes_is_read_to_its_end() {
        let (mut client, mut server) = duplex(1024);
        let begun = Instant::now();
        let send = async {
            client.write_all(&[0; 100_000]).await.unwrap();
            drop(client);
        };
        let mut linger = Linger::default();
        tokio::join!(send, poll_fn(|cx| linger.poll(&mut server, cx)));
        assert_eq!((linger.left, begun.elapsed().as_millis()), (MOST - 100_000, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stays_is_left_after_a_while() {
        let (_client, mut server) = duplex(1024);
        let begun = Instant::now();
        let mut linger = Linger::default();
        poll_fn(|cx| linger.poll(&mut server, cx)).await;
        assert_eq!(begun.elapsed().as_secs(), LONGEST.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_for_ever_is_left() {
        let begun = Instant::now();
        let mut linger = Linger::default();
        poll_fn(|cx| linger.poll(&mut tokio::io::repeat(0), cx)).await;
        assert_eq!((linger.left, begun.elapsed().as_millis()), (0, 0));
    }
}
