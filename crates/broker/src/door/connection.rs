//! One client's connection, from its hello to its end.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task,
    time::{self, Sleep},
};

use super::{
    encoded::Encoded,
    handshake::{self, Rejected},
    hub::Hub,
    peer::Order,
    translate::{self, Meaning},
};
use crate::{
    engine::{Conn, Input},
    wire::{ClientFrame, Names, PREFIX, ServerFrame, WireError, first_frame, frame_limit},
};

/// How long a client may take for its hello: it is one write, even over a slow machine.
const HELLO_TIME: Duration = Duration::from_secs(5);

/// How much is read at a time: 64 requests of the usual size. A connection that always fills it is
/// given more, up to the second figure, beyond which bigger reads are no faster.
const READ_BYTES: usize = 16 << 10;
const MAX_READ_BYTES: usize = 256 << 10;

/// How often a busy connection may read before the others have their turn.
const READS_IN_A_ROW: u32 = 4;

/// Beyond this, a client that does not read its replies is not read from either, ...
const SLOW_BYTES: usize = 16 << 20;

/// ... and is disconnected if it takes nothing at all for so long.
const STALL_TIME: Duration = Duration::from_secs(5);

/// How long a connection that ends may take to write out what is waiting, and then for the client
/// to close its side, so that what was written is not lost to a reset.
const FINISH_TIME: Duration = Duration::from_millis(500);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("it is closed")]
    Closed,
    #[error("it is finished")]
    Finished,
    #[error("it ended in the middle of a frame")]
    MidFrame,
    #[error("it reads too slowly: more is waiting for it than may be")]
    CutOff,
    #[error("it has taken nothing for {} s while much is waiting for it", STALL_TIME.as_secs())]
    Stalled,
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves one client. `from` says in the log where it comes from.
pub(super) async fn serve<S>(hub: Arc<Hub>, mut stream: S, from: String)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut read = BytesMut::with_capacity(READ_BYTES);
    let (conn, client) = match time::timeout(HELLO_TIME, handshake::shake(&hub, &mut stream, &mut read)).await {
        Ok(Ok(let_in)) => let_in,
        Ok(Err(Rejected::Gone)) => return,
        Ok(Err(error)) => {
            tracing::warn!(%from, %error, "a connection was refused");
            return linger(&mut stream).await;
        }
        Err(_) => return tracing::warn!(%from, "a connection was closed: no hello came in time"),
    };
    tracing::debug!(?client, conn = conn.0, "a client has connected");
    let mut connection = Connection::new(Seat { hub, conn }, stream, read);
    match connection.run().await {
        End::Closed => tracing::debug!(?client, conn = conn.0, "a client is gone"),
        End::Finished => {
            connection.finish(None).await;
            tracing::debug!(?client, conn = conn.0, "a client's connection is finished");
        }
        End::Wire(error) => {
            tracing::warn!(?client, conn = conn.0, %error, "a client broke the protocol");
            connection.finish(Some(error.to_string())).await;
        }
        end => tracing::warn!(?client, conn = conn.0, %end, "a client's connection was lost"),
    }
}

/// A place at the hub, given up however the connection ends.
struct Seat {
    hub: Arc<Hub>,
    conn: Conn,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.disconnect(self.conn);
    }
}

struct Connection<S> {
    seat: Seat,
    stream: S,
    read: BytesMut,
    write: BytesMut,
    /// What is to be read at a time.
    chunk: usize,
    names: Names,
    inputs: Vec<Input<Encoded>>,
    /// The client will send no more.
    bye: bool,
    /// Runs while the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(seat: Seat, stream: S, read: BytesMut) -> Self {
        Self {
            seat,
            stream,
            read,
            write: BytesMut::new(),
            chunk: READ_BYTES,
            names: Names::new(),
            inputs: Vec::new(),
            bye: false,
            stall: None,
        }
    }

    async fn run(&mut self) -> End {
        let mut full_reads = 0u32;
        loop {
            // What came along with the hello is handled before anything is read.
            if let Err(error) = self.handle() {
                return error.into();
            }
            self.read.reserve(self.chunk);
            match poll_fn(|cx| self.poll(cx)).await {
                Ok(read) if read >= self.chunk => {
                    self.chunk = (self.chunk * 2).min(MAX_READ_BYTES);
                    full_reads += 1;
                    if full_reads.is_multiple_of(READS_IN_A_ROW) {
                        task::yield_now().await;
                    }
                }
                Ok(_) => {}
                Err(End::Closed) if !self.read.is_empty() => return End::MidFrame,
                Err(end) => return end,
            }
        }
    }

    /// Handles every complete frame that has been read, as one step.
    fn handle(&mut self) -> Result<(), WireError> {
        let Seat { hub, conn } = &self.seat;
        let limit = frame_limit(hub.limits.message_bytes);
        let (mut used, mut pings) = (0, 0);
        let mut next = || {
            let frame = first_frame(self.read.get(used..).unwrap_or_default(), limit)?;
            used += frame.map_or(0, |frame| PREFIX + frame.len());
            frame.map(|frame| ClientFrame::decode(frame, &mut self.names, Encoded::from)).transpose()
        };
        let result = loop {
            match next() {
                Ok(Some(frame)) => match translate::input(*conn, frame) {
                    Meaning::Input(input) => self.inputs.push(input),
                    Meaning::Ping => pings += 1,
                    Meaning::Bye => {
                        self.bye = true;
                        break Ok(());
                    }
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if self.inputs.is_empty() && !self.read.is_empty() {
            self.inputs.push(Input::Heard(*conn));
        }
        if !self.inputs.is_empty() {
            hub.step(*conn, &mut self.inputs, pings);
        }
        if self.bye {
            hub.bye(*conn);
        }
        self.give_back(used);
        result
    }

    /// Forgets what has been handled, and does not keep the room that one large frame took.
    fn give_back(&mut self, used: usize) {
        if used == self.read.len() && self.read.capacity() > 2 * MAX_READ_BYTES {
            self.read = BytesMut::new();
        } else {
            self.read.advance(used);
        }
    }

    /// Writes what can be written; ready when something has been read, and says how much.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, End>> {
        match self.poll_write(cx)? {
            (Order::Finish, _) => return Poll::Ready(Err(End::Finished)),
            (Order::CutOff, _) => return Poll::Ready(Err(End::CutOff)),
            (Order::Go, waiting) if waiting > SLOW_BYTES => return self.poll_stall(cx).map(Err),
            (Order::Go, _) if self.bye => return Poll::Pending,
            (Order::Go, _) => {}
        }
        match pin!(self.stream.read_buf(&mut self.read)).poll(cx)? {
            Poll::Ready(0) => Poll::Ready(Err(End::Closed)),
            Poll::Ready(read) => Poll::Ready(Ok(read)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes until the client takes no more or nothing is left; says how much is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(Order, usize), End> {
        let Seat { hub, conn } = &self.seat;
        loop {
            let (order, waiting) = hub.poll_peer(*conn, cx.waker(), &mut self.write);
            if self.write.is_empty() || order != Order::Go {
                return Ok((order, waiting + self.write.len()));
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.write)? {
                Poll::Ready(0) => return Err(End::Closed),
                Poll::Ready(written) => {
                    self.stall = None;
                    self.write.advance(written);
                    if self.write.is_empty() && self.write.capacity() > MAX_READ_BYTES {
                        self.write = BytesMut::new();
                    }
                }
                Poll::Pending => return Ok((order, waiting + self.write.len())),
            }
        }
    }

    /// Ready when the client has taken nothing for too long.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let stall = self.stall.get_or_insert_with(|| Box::pin(time::sleep(STALL_TIME)));
        stall.as_mut().poll(cx).map(|()| End::Stalled)
    }

    /// Gives up the place at the hub, writes out what was waiting, and closes.
    async fn finish(mut self, failure: Option<String>) {
        let Seat { hub, conn } = &self.seat;
        hub.take_rest(*conn, &mut self.write);
        drop(self.seat);
        if let Some(reason) = failure
            && let Err(error) = (ServerFrame::<Encoded>::Failed { reason }).encode(&mut self.write)
        {
            tracing::error!(%error, "a frame could not be written");
        }
        match time::timeout(FINISH_TIME, self.stream.write_all(&self.write)).await {
            Ok(Ok(())) => linger(&mut self.stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a client was gone before all was written"),
            Err(_) => tracing::warn!("a client did not take what was waiting for it"),
        }
    }
}

/// Closes our side and waits a little for the client to close its own.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let closing = async {
        stream.shutdown().await?;
        io::copy(stream, &mut io::sink()).await
    };
    // Whether the client still listens is its own business.
    drop(time::timeout(FINISH_TIME, closing).await);
}
