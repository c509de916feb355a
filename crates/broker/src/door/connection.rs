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
    inbound::{Inbound, MAX_CHUNK},
    peer::Order,
    quiet::Deafen,
};
use crate::{
    engine::Conn,
    wire::{ServerFrame, WireError},
};

/// How long a client may take for its hello: it is one write, even over a slow machine.
const HELLO_TIME: Duration = Duration::from_secs(5);

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
    #[error("it has not said goodbye in time")]
    Late,
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
    S: AsyncRead + AsyncWrite + Deafen + Unpin + Send,
{
    let mut inbound = Inbound::new();
    let (conn, client) = match time::timeout(HELLO_TIME, handshake::shake(&hub, &mut stream, &mut inbound.buffer)).await
    {
        Ok(Ok(let_in)) => let_in,
        Ok(Err(Rejected::Gone)) => return,
        Ok(Err(error)) => {
            tracing::warn!(%from, %error, "a connection was refused");
            return linger(&mut stream).await;
        }
        Err(_) => return tracing::warn!(%from, "a connection was closed: no hello came in time"),
    };
    tracing::debug!(?client, conn = conn.0, "a client has connected");
    let mut connection = Connection::new(Seat { hub, conn }, stream, inbound);
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
    inbound: Inbound,
    write: BytesMut,
    /// Runs while the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Deafen + Unpin> Connection<S> {
    fn new(seat: Seat, stream: S, inbound: Inbound) -> Self {
        Self { seat, stream, inbound, write: BytesMut::new(), stall: None }
    }

    async fn run(&mut self) -> End {
        loop {
            // What came along with the hello is handled before anything is read.
            match self.inbound.handle(&self.seat.hub, self.seat.conn) {
                Ok(false) => {}
                Ok(true) => {
                    self.seat.hub.busy_poll.came();
                    task::yield_now().await;
                    if let Err(end) = poll_fn(|cx| Poll::Ready(self.poll_write(cx))).await {
                        return end;
                    }
                    continue;
                }
                Err(error) => return error.into(),
            }
            self.inbound.make_room();
            match self.next().await {
                Ok(read) if self.inbound.is_busy(read) => task::yield_now().await,
                Ok(_) => {}
                Err(End::Late) => {
                    if let Err(end) = self.hear_out().await {
                        return end;
                    }
                }
                Err(End::Closed) if !self.inbound.buffer.is_empty() => return End::MidFrame,
                Err(end) => return end,
            }
        }
    }

    /// Waits until something has been read, and says how much.
    async fn next(&mut self) -> Result<usize, End> {
        let read = poll_fn(|cx| self.poll(cx)).await?;
        self.seat.hub.busy_poll.came();
        Ok(read)
    }

    /// Takes what the client has sent up to now, and says goodbye in its place.
    async fn hear_out(&mut self) -> Result<(), End> {
        self.stream.deafen()?;
        loop {
            while self.inbound.handle(&self.seat.hub, self.seat.conn)? {}
            self.inbound.make_room();
            let read = poll_fn(|cx| Poll::Ready(pin!(self.stream.read_buf(&mut self.inbound.buffer)).poll(cx))).await;
            match read {
                Poll::Ready(Ok(0)) | Poll::Pending => break,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Err(error.into()),
            }
        }
        self.inbound.bye = true;
        self.seat.hub.bye(self.seat.conn);
        Ok(())
    }

    /// Writes what can be written; ready when something has been read, and says how much.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, End>> {
        match self.poll_write(cx)? {
            (Order::Finish, _) => return Poll::Ready(Err(End::Finished)),
            (Order::CutOff, _) => return Poll::Ready(Err(End::CutOff)),
            (Order::HearOut, _) if !self.inbound.bye => return Poll::Ready(Err(End::Late)),
            (Order::HearOut, _) => return Poll::Pending,
            (Order::Go, waiting) if waiting > SLOW_BYTES => return self.poll_stall(cx).map(Err),
            (Order::Go, _) if self.inbound.bye => return Poll::Pending,
            (Order::Go, _) => {}
        }
        match pin!(self.stream.read_buf(&mut self.inbound.buffer)).poll(cx)? {
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
            if self.write.is_empty() || !matches!(order, Order::Go | Order::HearOut) {
                return Ok((order, waiting + self.write.len()));
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.write)? {
                Poll::Ready(0) => return Err(End::Closed),
                Poll::Ready(written) => {
                    self.stall = None;
                    self.write.advance(written);
                    if self.write.is_empty() && self.write.capacity() > MAX_CHUNK {
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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, task::Waker, time::Duration};

    use bytes::{Bytes, BytesMut};
    use skyloom_core::{
        Guid,
        broker::{ConsumeOptions, EnqueueOptions},
    };
    use tokio::{
        io::{self, AsyncReadExt, AsyncWriteExt, DuplexStream},
        time::Instant,
    };

    use super::{Deafen, Encoded, HELLO_TIME, Hub, SLOW_BYTES, STALL_TIME, serve};
    use crate::{
        door::OUTGOING_BYTES,
        engine::{Conn, ConsumerId, Engine, Input, Limits, Message, Ticket},
        wire::{ClientFrame, ClientHello},
    };

    impl Deafen for DuplexStream {
        fn deafen(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn hub() -> Arc<Hub> {
        let limits = Limits::default();
        Arc::new(Hub::new(Engine::new(limits), Duration::ZERO, Guid::private(), limits, OUTGOING_BYTES))
    }

    fn knock(hub: &Arc<Hub>) -> (DuplexStream, impl Future<Output = ()> + use<>) {
        let (client, broker) = io::duplex(1 << 16);
        (client, serve(Arc::clone(hub), broker, "a test".to_owned()))
    }

    fn work(conn: Conn) -> Input<Encoded> {
        let body = Encoded::from(&vec![7; 1 << 20][..]);
        let message = Message {
            id: Guid::call(),
            reply_to: None,
            priority: EnqueueOptions::DEFAULT_PRIORITY,
            delay: Duration::ZERO,
            time_to_live: None,
            size: 1 << 20,
            body,
        };
        Input::Enqueue { conn, ticket: Ticket::NONE, channel: "work.v1".parse().unwrap(), message }
    }

    /// More work than may wait for a client that does not read.
    fn much_work(hub: &Hub) -> Conn {
        let sender = hub.connect(Guid::private()).unwrap();
        hub.step(sender, &mut (0..=SLOW_BYTES >> 20).map(|_| work(sender)).collect(), 0);
        sender
    }

    async fn consume(client: &mut DuplexStream) {
        let mut out = BytesMut::new();
        ClientHello::new(Guid::private(), "test").encode(&mut out);
        let (ticket, consumer, channel) = (Ticket::NONE, ConsumerId(1), "work.v1".parse().unwrap());
        let options = ConsumeOptions { lease: Duration::from_secs(3600), ..ConsumeOptions::default() };
        let consume = ClientFrame::<Bytes>::Consume { ticket, consumer, channel, options };
        consume.encode(&mut out).unwrap();
        client.write_all(&out).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_without_a_hello_is_not_waited_for() {
        let (mut client, served) = knock(&hub());
        client.write_all(b"SKYL").await.unwrap();
        let begin = Instant::now();
        served.await;
        assert_eq!(begin.elapsed(), HELLO_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_and_its_work_goes_on() {
        let hub = hub();
        let sender = much_work(&hub);
        let (mut client, served) = knock(&hub);
        consume(&mut client).await;
        let begin = Instant::now();
        served.await;
        assert_eq!(begin.elapsed(), STALL_TIME);
        assert!(hub.poll_all_gone(Waker::noop()).is_pending(), "the sender is still there");
        hub.disconnect(sender);
        assert!(hub.poll_all_gone(Waker::noop()).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_is_served() {
        let hub = hub();
        much_work(&hub);
        let (mut client, served) = knock(&hub);
        let served = tokio::spawn(served);
        consume(&mut client).await;
        let mut left = SLOW_BYTES;
        while left > 0 {
            tokio::time::sleep(STALL_TIME / 2).await;
            left = left.saturating_sub(client.read(&mut [0; 1 << 18]).await.unwrap());
        }
        drop(client);
        served.await.unwrap();
    }
}
