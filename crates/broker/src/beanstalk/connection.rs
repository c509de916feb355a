//! One client's connection.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task, time,
};

use super::{
    command::Op,
    figures::Figures,
    session::{Event, Session},
    voice::{Ear, Replies},
};
use crate::{
    door::{Encoded, Hub, Order},
    engine::{Conn, Input, JobCommand},
};

/// How much is read at a time.
const CHUNK: usize = 64 << 10;

/// How many commands are handed to the engine at once.
const BATCH: usize = 256;

/// Beyond this, a client that does not read its replies is not heard either.
const SLOW_BYTES: usize = 1 << 20;

/// How long a connection that ends may take to write out what is waiting.
const FINISH_TIME: Duration = Duration::from_millis(500);

/// A place at the hub and in the figures, given up however the connection ends.
struct Seat {
    hub: Arc<Hub>,
    figures: Arc<Figures>,
    conn: Conn,
    ear: Arc<Ear>,
    produces: bool,
}

impl Seat {
    fn take(hub: Arc<Hub>, figures: Arc<Figures>) -> Result<Self, String> {
        let ear = Arc::new(Ear::default());
        let (of_voice, for_voice) = (Arc::clone(&figures), Arc::clone(&ear));
        let conn = hub.connect_voice(|conn| Box::new(Replies { conn, figures: of_voice, ear: for_voice }))?;
        figures.connections.fetch_add(1, Relaxed);
        figures.connections_ever.fetch_add(1, Relaxed);
        Ok(Self { hub, figures, conn, ear, produces: false })
    }

    fn produce(&mut self) {
        if !std::mem::replace(&mut self.produces, true) {
            self.figures.producers.fetch_add(1, Relaxed);
        }
    }

    fn is_waiting(&self) -> bool {
        self.ear.waiting.load(Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.figures.connections.fetch_sub(1, Relaxed);
        self.figures.producers.fetch_sub(self.produces.into(), Relaxed);
        self.figures.workers.fetch_sub(self.ear.works.load(Relaxed).into(), Relaxed);
        self.hub.disconnect(self.conn);
    }
}

/// Serves one client.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(hub: Arc<Hub>, figures: Arc<Figures>, stream: S) {
    let seat = match Seat::take(hub, figures) {
        Ok(seat) => seat,
        Err(reason) => return tracing::warn!(%reason, "a client of beanstalkd was refused"),
    };
    let session = Session::new(seat.figures.job_bytes);
    let (read, write) = (BytesMut::with_capacity(CHUNK), BytesMut::new());
    let mut connection = Connection {
        seat,
        stream,
        session,
        read,
        write,
        inputs: Vec::new(),
        ended: false,
        quit: false,
        slow: false,
        was_waiting: false,
    };
    connection.step(JobCommand::Begin);
    if let Err(error) = connection.run().await {
        tracing::debug!(%error, "the connection of a client of beanstalkd was lost");
    }
}

struct Connection<S> {
    seat: Seat,
    stream: S,
    session: Session,
    read: BytesMut,
    write: BytesMut,
    /// Commands that the engine has not heard yet.
    inputs: Vec<Input<Encoded>>,
    /// The client sends no more.
    ended: bool,
    /// The client wants no more.
    quit: bool,
    /// Much is waiting for the client.
    slow: bool,
    /// It waits for a job, as far as its task knows.
    was_waiting: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            self.converse();
            if self.ended && self.seat.is_waiting() {
                self.step(JobCommand::GiveUp);
                continue;
            }
            if self.quit || self.ended && !self.slow {
                return self.finish().await;
            }
            match poll_fn(|cx| self.poll(cx)).await? {
                Woken::Finish => return self.finish().await,
                Woken::Ready => {}
                // A client that sends without a pause lets the others have their turns.
                Woken::Busy => task::yield_now().await,
            }
        }
    }

    /// Handles all that can be handled of what has been read.
    fn converse(&mut self) {
        while !self.quit && !self.slow && !self.seat.is_waiting() {
            let draining = self.seat.figures.draining.load(Relaxed);
            let Some(event) = self.session.next(&mut self.read, draining) else { break };
            match event {
                Event::Command(op, command) => self.command(op, command),
                Event::Announced => {
                    self.seat.figures.count(Op::Put);
                    if self.session.produces() {
                        self.seat.produce();
                    }
                }
                Event::Answer(answer) => self.answer(answer),
                Event::Wasted(answer) => {
                    self.step(JobCommand::Waste);
                    self.answer(answer);
                }
                Event::Counted(op, answer) => {
                    self.seat.figures.count(op);
                    self.answer(answer);
                }
                Event::Quit => self.quit = true,
            }
        }
        self.flush();
        self.was_waiting = self.seat.is_waiting();
    }

    /// Collects a command; one whose answer may be long, or may have to be waited for, is handled
    /// before any other.
    fn command(&mut self, op: Op, command: JobCommand<Encoded>) {
        self.seat.figures.count(op);
        let alone = match command {
            JobCommand::Reserve(_) => {
                Replies::works(&self.seat.figures, &self.seat.ear);
                self.seat.ear.waiting.store(true, Relaxed);
                true
            }
            JobCommand::ReserveJob(_)
            | JobCommand::Peek(_)
            | JobCommand::Stats
            | JobCommand::Tubes
            | JobCommand::Watched => true,
            _ => false,
        };
        self.inputs.push(Input::Job { conn: self.seat.conn, command });
        if alone || self.inputs.len() >= BATCH {
            self.flush();
        }
    }

    fn answer(&mut self, answer: &[u8]) {
        self.flush();
        self.seat.hub.add(self.seat.conn, answer);
    }

    fn step(&mut self, command: JobCommand<Encoded>) {
        self.inputs.push(Input::Job { conn: self.seat.conn, command });
        self.flush();
    }

    fn flush(&mut self) {
        if !self.inputs.is_empty() {
            let waiting = self.seat.hub.step_voice(self.seat.conn, &mut self.inputs);
            self.slow = waiting + self.write.len() > SLOW_BYTES;
        }
    }

    /// Writes what can be written; ready when there is something new to handle.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Woken>> {
        let waited = self.was_waiting;
        match self.poll_write(cx)? {
            (Order::Finish | Order::CutOff, _) => return Poll::Ready(Ok(Woken::Finish)),
            (Order::Go, waiting) if self.slow && waiting <= SLOW_BYTES => {
                self.slow = false;
                return Poll::Ready(Ok(Woken::Ready));
            }
            (Order::Go | Order::HearOut, _) => {}
        }
        if waited && !self.seat.is_waiting() {
            // What it waited for has come; what it has sent meanwhile is next.
            return Poll::Ready(Ok(Woken::Ready));
        }
        if self.ended || self.read.len() >= self.session.needs().max(CHUNK) {
            return Poll::Pending;
        }
        self.read.reserve(CHUNK);
        match pin!(self.stream.read_buf(&mut self.read)).poll(cx)? {
            Poll::Ready(read) => {
                self.seat.hub.busy_poll.came();
                self.ended = read == 0;
                Poll::Ready(Ok(if read < CHUNK { Woken::Ready } else { Woken::Busy }))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes until the client takes no more or nothing is left; says how much is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<(Order, usize)> {
        let Seat { hub, conn, .. } = &self.seat;
        loop {
            let (order, waiting) = hub.poll_peer(*conn, cx.waker(), &mut self.write);
            if self.write.is_empty() || order != Order::Go {
                return Ok((order, waiting + self.write.len()));
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.write)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    self.write.advance(written);
                    if self.write.is_empty() && self.write.capacity() > SLOW_BYTES {
                        self.write = BytesMut::new();
                    }
                }
                Poll::Pending => return Ok((order, waiting + self.write.len())),
            }
        }
    }

    /// Writes out what is waiting and closes.
    async fn finish(&mut self) -> io::Result<()> {
        self.seat.hub.take_rest(self.seat.conn, &mut self.write);
        let ending = async {
            self.stream.write_all(&self.write).await?;
            self.stream.shutdown().await
        };
        time::timeout(FINISH_TIME, ending).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Why a connection's task goes on.
enum Woken {
    Ready,
    /// There is more to read than a turn takes.
    Busy,
    /// It is to end.
    Finish,
}
