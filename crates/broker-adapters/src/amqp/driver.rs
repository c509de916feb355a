//! The driver: serves a connection, and connects again.

use std::{
    future::{Future as _, poll_fn},
    io,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use skyloom_core::BusyPoll;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    dial::{Dialled, dial},
    options::AmqpOptions,
    shared::Shared,
    state::{Phase, State, Tuned},
    wire::{OVERHEAD, Outgoing, take},
};
use crate::remote::{OpenError, Pauses};

/// How exactly leases and other deadlines are kept.
const TICK: Duration = Duration::from_millis(20);

/// How long closing waits for the server.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// How much is read at a time.
const READ: usize = 64 << 10;

/// Connects to the first host that can be used.
pub(super) async fn connect(options: &AmqpOptions) -> Result<Dialled, OpenError> {
    let mut first = None;
    for host in &options.hosts {
        match dial(options, host).await {
            Ok(dialled) => return Ok(dialled),
            Err(error) => {
                // What is wrong matters more than who is away.
                let better = matches!(error, OpenError::Unusable { .. });
                if first.is_none() || better {
                    first = Some(error);
                }
            }
        }
    }
    let nowhere = || OpenError::Absent { address: String::new(), reason: "the URL names no host".to_owned() };
    Err(first.unwrap_or_else(nowhere))
}

/// Serves this connection and those that follow it, until it is closed.
///
/// There is a connection already, as [`State::attach`] was told.
pub(super) async fn drive(shared: Arc<Shared>, options: AmqpOptions, first: Dialled) {
    let mut dialled = Some(first);
    let mut pauses = Pauses::default();
    loop {
        if let Some(Dialled { stream, tuned, rest, .. }) = dialled.take() {
            pauses.works();
            let (reader, writer) = split(stream);
            let mut connection = Connection::new(&shared, tuned, rest, reader, writer);
            let reason = connection.serve().await;
            shared.with(|state| state.detach(&reason));
            if !shared.with(|state| state.is_closed()) {
                tracing::warn!(broker = shared.address, reason, "the connection to the broker has ended");
            }
        }
        if shared.with(|state| state.is_closed()) {
            break;
        }
        pause(&shared, pauses.next()).await;
        let attempt = async {
            tokio::select! {
                dialled = connect(&options) => Some(dialled),
                () = watch(&shared) => None,
            }
        };
        match attempt.await {
            Some(Ok(connected)) => {
                tracing::info!(broker = shared.address, "connected to the broker again");
                shared.with(|state| state.attach(connected.tuned, &connected.server));
                dialled = Some(connected);
            }
            Some(Err(error)) => match shared.with(|state| state.stays_away(&error)) {
                true => tracing::warn!(broker = shared.address, %error, "there is no connection to the broker"),
                false => tracing::debug!(%error, "the broker cannot be reached"),
            },
            None => {}
        }
    }
    shared.with(State::end);
    shared.ended.send_replace(true);
}

/// Waits, while deadlines are kept.
async fn pause(shared: &Shared, time: Duration) {
    tokio::select! {
        () = sleep(time) => {}
        () = watch(shared) => {}
    }
}

/// Keeps deadlines without a connection; ends when it is closed.
async fn watch(shared: &Shared) {
    while !shared.with(|state| state.is_closed()) {
        if shared.with(|state| state.is_timed()) {
            sleep(TICK).await;
            shared.with(|state| state.tick(Instant::now()));
        } else {
            shared.work.notified().await;
        }
    }
}

struct Connection<'a, R, W> {
    shared: &'a Shared,
    reader: R,
    writer: W,
    incoming: BytesMut,
    writing: BytesMut,
    /// Something was written that may not have left.
    unsent: bool,
    tuned: Tuned,
    heard: Instant,
    /// When there was nothing to read.
    caught_up: Instant,
    written: Instant,
    ticked: Instant,
    goodbye: bool,
    busy_poll: BusyPoll,
}

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<'a, R, W> {
    fn new(shared: &'a Shared, tuned: Tuned, incoming: BytesMut, reader: R, writer: W) -> Self {
        let now = Instant::now();
        Self {
            shared,
            reader,
            writer,
            incoming,
            writing: BytesMut::new(),
            unsent: false,
            tuned,
            heard: now,
            caught_up: now,
            written: now,
            ticked: now,
            goodbye: false,
            busy_poll: BusyPoll::default(),
        }
    }

    /// Serves the connection; returns why it has ended.
    async fn serve(&mut self) -> String {
        if let Err(reason) = self.take_up(Duration::ZERO) {
            return reason;
        }
        let mut closing = None;
        loop {
            let (timed, closed) = self.prepare();
            if closed && *closing.get_or_insert_with(Instant::now) + CLOSE_TIME < Instant::now() {
                return "the broker does not answer while it is closed".to_owned();
            }
            let next = self.next_time(timed || closed);
            self.incoming.reserve(READ);
            let turn = tokio::select! {
                biased;
                read = read_some(&mut self.reader, &mut self.incoming, &mut self.caught_up) => match read {
                    Ok(0) => Err("the broker closed the connection".to_owned()),
                    Ok(_) => {
                        self.heard = Instant::now();
                        self.busy_poll.came();
                        // Who keeps deadlines looks every few milliseconds, unless his thread does something else.
                        self.take_up(if timed { self.caught_up.elapsed() } else { Duration::ZERO })
                    }
                    Err(error) => Err(error.to_string()),
                },
                written = write_some(&mut self.writer, &mut self.writing, &mut self.unsent),
                    if self.unsent || !self.writing.is_empty() => match written {
                    Ok(()) => {
                        self.written = Instant::now();
                        Ok(())
                    }
                    Err(error) => Err(error.to_string()),
                },
                () = self.shared.work.notified() => Ok(()),
                () = sleep_until(next) => Ok(()),
            };
            // Also when there is so much to read that nobody sleeps.
            let turn = if next <= Instant::now() { turn.and_then(|()| self.on_time(timed)) } else { turn };
            if let Err(reason) = turn {
                self.last_words().await;
                return reason;
            }
        }
    }

    /// Takes what is to be written, and says goodbye when all has been said. Returns whether deadlines are to be
    /// kept, and whether this is the end.
    fn prepare(&mut self) -> (bool, bool) {
        let Self { shared, writing, goodbye, .. } = self;
        shared.with(|state| {
            state.flush();
            let closing = state.phase == Phase::Closing;
            if closing && !*goodbye && state.is_confirmed() && state.operations.running.is_none() {
                *goodbye = true;
                state.send().close();
            }
            if writing.is_empty() {
                writing.clear();
                std::mem::swap(writing, &mut state.out);
            }
            (state.is_timed(), closing)
        })
    }

    fn next_time(&self, timed: bool) -> Instant {
        let beat = self.tuned.heartbeat / 2;
        let far = Instant::now() + Duration::from_secs(3600);
        let beat = if beat.is_zero() { far } else { self.written + beat };
        if timed { beat.min(self.ticked + TICK) } else { beat }
    }

    fn on_time(&mut self, timed: bool) -> Result<(), String> {
        let now = Instant::now();
        let beat = self.tuned.heartbeat;
        // The server says something twice in that time.
        if !beat.is_zero() && now > self.heard + beat.mul_f64(1.5) {
            return Err(format!("the broker has not said anything for {beat:?} and longer"));
        }
        if !beat.is_zero() && now >= self.written + beat / 2 {
            self.written = now;
            if self.writing.is_empty() {
                Outgoing(&mut self.writing).heartbeat();
            }
        }
        if timed {
            self.ticked = now;
            self.shared.with(|state| state.tick(now));
        }
        Ok(())
    }

    /// Takes up every frame that has come whole, and may have lain here for so long.
    fn take_up(&mut self, lain: Duration) -> Result<(), String> {
        let Self { shared, incoming, tuned, .. } = self;
        shared.with(|state| {
            state.lain = lain;
            while let Some(frame) = take(incoming, tuned.frame + OVERHEAD).map_err(|error| error.to_string())? {
                state.receive(frame)?;
            }
            Ok(())
        })
    }

    /// Writes what the end of the connection has left to be said.
    async fn last_words(&mut self) {
        let words = self.shared.with(|state| std::mem::take(&mut state.out));
        let written = timeout(TICK, async {
            self.writer.write_all(&words).await?;
            self.writer.shutdown().await
        });
        // The connection is over in any case.
        drop(written.await);
    }
}

/// Reads some more, and notes when there is nothing to read. Nothing is lost if it is dropped.
async fn read_some<R: AsyncRead + Unpin>(
    reader: &mut R,
    incoming: &mut BytesMut,
    caught_up: &mut Instant,
) -> io::Result<usize> {
    let mut read = pin!(reader.read_buf(incoming));
    poll_fn(|cx| {
        let polled = read.as_mut().poll(cx);
        if polled.is_pending() {
            *caught_up = Instant::now();
        }
        polled
    })
    .await
}

/// Writes some more, and what TLS has kept to itself of it. Nothing is lost if it is dropped.
async fn write_some<W: AsyncWrite + Unpin>(
    writer: &mut W,
    writing: &mut BytesMut,
    unsent: &mut bool,
) -> io::Result<()> {
    if !writing.is_empty() {
        *unsent = true;
        writer.write_buf(writing).await?;
    }
    if writing.is_empty() {
        writer.flush().await?;
        *unsent = false;
    }
    Ok(())
}
