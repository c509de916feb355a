//! One connection while it lives: all that has gathered is written at once, all that is there is
//! read at once.

use std::{future::poll_fn, io, pin::Pin, sync::Weak, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use skyloom_broker::wire::{ClientFrame, ServerFrame, frame_limit, split_frame};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};

use super::{handle::Handle, receive::Receiver, shared::Shared, stall::Stall, state::Phase};

/// How often a quiet connection says that it is alive. The broker's patience is five times as long.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// After how many silent heartbeats the connection counts as broken: five seconds. Heartbeats are
/// counted rather than time, so that a process that was itself stopped does not take its own
/// silence for the broker's.
const SILENT_HEARTBEATS: u32 = 10;

/// How much room there is for one read. A payload keeps the whole read alive that it came in, so
/// that this is also the price of a delivery that is kept for long.
const READ_ROOM: usize = 32 << 10;

/// Below this, room is made before a read.
const LEAST_ROOM: usize = 4 << 10;

/// How many frames are handed out before what they have brought about is written. The broker works on that while the
/// rest is handed out.
const TURN: usize = 32;

/// A buffer that has grown beyond this in a burst is not kept.
const KEPT_BUFFER: usize = 1 << 20;

/// How long the other side has to close a connection that is to end.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection: what it still has to write, and what it has heard.
struct Connection {
    writing: BytesMut,
    written: usize,
    inbound: BytesMut,
    beat: Interval,
    /// Whether anything was written or read since the last heartbeat.
    wrote: bool,
    heard: bool,
    silent: u32,
    stall: Stall,
    /// The other side takes nothing any more. What it has said before is still to be heard, up to its end.
    unheard: bool,
    /// When an ending connection is given up.
    limit: Option<Instant>,
}

/// Serves a connection until it ends, and notes what has become of what was to be sent.
pub(super) async fn serve<R, W>(shared: &Shared, handle: &Weak<Handle>, mut reader: R, mut writer: W, rest: BytesMut)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut connection = Connection::new(rest);
    let reason = loop {
        if let Err(reason) = connection.turn(shared, handle, &mut reader, &mut writer).await {
            break reason;
        }
    };
    let Connection { writing, written, .. } = connection;
    shared.change(|state| state.detach(&writing, written, &reason, Instant::now()));
}

impl Connection {
    fn new(rest: BytesMut) -> Self {
        let now = Instant::now();
        let mut beat = interval_at(now + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (writing, inbound) = (BytesMut::new(), rest);
        let stall = Stall::new(now);
        let (written, silent, limit) = (0, 0, None);
        let (wrote, heard, unheard) = (false, true, false);
        Self { writing, written, inbound, beat, wrote, heard, silent, stall, unheard, limit }
    }

    /// Waits for one thing and does it.
    async fn turn(
        &mut self,
        shared: &Shared,
        handle: &Weak<Handle>,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), String> {
        let more = self.hand_out(shared, handle)?;
        if more {
            shared.busy_poll.came();
            // Those who were given something go on now.
            task::yield_now().await;
        }
        self.refill(shared);
        if more {
            return self.write_at_once(writer).await;
        }
        if self.inbound.capacity() - self.inbound.len() < LEAST_ROOM {
            self.inbound.reserve(READ_ROOM);
        }
        let unwritten = self.writing.get(self.written..).unwrap_or_default();
        tokio::select! {
            biased;
            read = reader.read_buf(&mut self.inbound) => match read {
                Ok(0) => Err("it closed the connection".to_owned()),
                Ok(_) => {
                    self.heard = true;
                    shared.busy_poll.came();
                    Ok(())
                }
                Err(error) => Err(format!("it cannot be read: {error}")),
            },
            wrote = writer.write(unwritten), if !unwritten.is_empty() && !self.unheard => self.note_written(wrote),
            () = shared.write.notified(), if unwritten.is_empty() => Ok(()),
            _ = self.beat.tick() => self.heartbeat(shared),
            () = at(self.limit) => Err("it did not close the connection in time".to_owned()),
        }
    }

    /// Writes as much as the socket takes without waiting.
    async fn write_at_once(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> Result<(), String> {
        let unwritten = self.writing.get(self.written..).unwrap_or_default();
        if unwritten.is_empty() || self.unheard {
            return Ok(());
        }
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut *writer).poll_write(cx, unwritten))).await {
            Poll::Ready(wrote) => self.note_written(wrote),
            Poll::Pending => Ok(()),
        }
    }

    fn note_written(&mut self, wrote: io::Result<usize>) -> Result<(), String> {
        match wrote {
            Ok(written) => {
                self.written += written;
                self.wrote = true;
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.unheard = true,
            Err(error) => return Err(format!("it cannot be written to: {error}")),
        }
        Ok(())
    }

    /// Hands out the frames that have come completely, up to the number of a turn. Whether there may be more.
    fn hand_out(&mut self, shared: &Shared, handle: &Weak<Handle>) -> Result<bool, String> {
        if self.inbound.is_empty() {
            return Ok(false);
        }
        let now = Instant::now();
        self.runs(now, shared);
        let limit = frame_limit(shared.lock().max_message);
        let mut receiver = Receiver::new(shared, handle, now, &mut self.stall);
        let garbled = |error| format!("it does not keep to the protocol: {error}");
        for _ in 0..TURN {
            let Some(frame) = split_frame(&mut self.inbound, limit).map_err(garbled)? else { return Ok(false) };
            receiver.receive(ServerFrame::decode(&frame).map_err(garbled)?)?;
        }
        Ok(true)
    }

    /// Takes what has gathered once everything before it is written.
    fn refill(&mut self, shared: &Shared) {
        if self.written < self.writing.len() {
            return;
        }
        let mut empty = std::mem::take(&mut self.writing);
        empty.clear();
        if empty.capacity() > KEPT_BUFFER {
            empty = BytesMut::new();
        }
        let mut state = shared.lock();
        self.writing = state.take_out(empty);
        self.written = 0;
        if self.limit.is_none() && matches!(state.phase, Phase::Leaving | Phase::Closed) {
            self.limit = Some(Instant::now() + GOODBYE);
        }
    }

    /// Notes that this process runs, and asks the broker where what it had sent ends if it has not run for long.
    fn runs(&mut self, now: Instant, shared: &Shared) {
        if let Some(since) = self.stall.runs(now)
            && self.ping(shared)
        {
            tracing::debug!(address = %shared.address, stalled = ?(now - since), "this process has stood still");
            self.stall.stood_still(since);
        }
    }

    /// Sends a ping, if there is room for it and the connection is not about to end.
    fn ping(&mut self, shared: &Shared) -> bool {
        let mut state = shared.lock();
        let is_sent = state.phase == Phase::Live && state.append(&ClientFrame::<Bytes>::Ping).is_ok();
        if is_sent {
            self.stall.pinged();
        }
        is_sent
    }

    /// Says that this side is alive, if it has not shown it, and finds out whether the other is.
    fn heartbeat(&mut self, shared: &Shared) -> Result<(), String> {
        let quiet = !(std::mem::take(&mut self.wrote) && self.heard);
        self.silent = if std::mem::take(&mut self.heard) { 0 } else { self.silent + 1 };
        if self.silent >= SILENT_HEARTBEATS {
            return Err(format!("it has been silent for {:?}", HEARTBEAT * SILENT_HEARTBEATS));
        }
        self.runs(Instant::now(), shared);
        if quiet {
            // A full buffer is a sign of life as well.
            self.ping(shared);
        }
        Ok(())
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
