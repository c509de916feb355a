//! What a client has sent and the engine has not heard yet.

use bytes::{Buf, BytesMut};

use super::{
    encoded::Encoded,
    hub::Hub,
    translate::{self, Meaning},
};
use crate::{
    engine::{Conn, Input},
    wire::{ClientFrame, Names, PREFIX, WireError, first_frame, frame_limit},
};

/// How much is read at a time: 64 requests of the usual size. A connection that always fills it is
/// given more, up to the second figure, beyond which bigger reads are no faster.
const CHUNK: usize = 16 << 10;
pub(super) const MAX_CHUNK: usize = 256 << 10;

/// How often a connection may fill its chunk before the others have their turn.
const READS_IN_A_ROW: u32 = 4;

/// How many frames are handled as one step. Others write out what it has brought about before the next.
const STEP: usize = 32;

/// The incoming side of one connection.
pub(super) struct Inbound {
    pub(super) buffer: BytesMut,
    chunk: usize,
    full_reads: u32,
    names: Names,
    /// Kept between reads for its allocation.
    inputs: Vec<Input<Encoded>>,
    /// The client will send no more.
    pub(super) bye: bool,
}

impl Inbound {
    pub(super) fn new() -> Self {
        let buffer = BytesMut::with_capacity(CHUNK);
        Self { buffer, chunk: CHUNK, full_reads: 0, names: Names::new(), inputs: Vec::new(), bye: false }
    }

    /// Makes room for the next read. The length that a frame announces is not believed before its
    /// bytes come.
    pub(super) fn make_room(&mut self) {
        self.buffer.reserve(self.chunk);
    }

    /// Whether the others should have their turn, after a read of so many bytes.
    pub(super) fn is_busy(&mut self, read: usize) -> bool {
        if read < self.chunk {
            return false;
        }
        self.chunk = (self.chunk * 2).min(MAX_CHUNK);
        self.full_reads = self.full_reads.wrapping_add(1);
        self.full_reads.is_multiple_of(READS_IN_A_ROW)
    }

    /// Handles the complete frames that have been read, as many as are one step. Whether there may be more.
    pub(super) fn handle(&mut self, hub: &Hub, conn: Conn) -> Result<bool, WireError> {
        let mut pings = 0;
        let heard = !self.buffer.is_empty();
        let result = self.decode(frame_limit(hub.limits.message_bytes), conn, &mut pings);
        if self.inputs.is_empty() && heard {
            self.inputs.push(Input::Heard(conn));
        }
        if !self.inputs.is_empty() {
            hub.step(conn, &mut self.inputs, pings);
        }
        if self.bye {
            hub.bye(conn);
        }
        result
    }

    /// Reads frames until there is none, or none that is right, or a step is full. Whether there may be more.
    fn decode(&mut self, limit: usize, conn: Conn, pings: &mut usize) -> Result<bool, WireError> {
        let mut used = 0;
        let result = loop {
            if self.inputs.len() >= STEP {
                break Ok(true);
            }
            let frame = match first_frame(self.buffer.get(used..).unwrap_or_default(), limit) {
                Ok(Some(frame)) if !self.bye => frame,
                Ok(_) => break Ok(false),
                Err(error) => break Err(error),
            };
            used += PREFIX + frame.len();
            match ClientFrame::decode(frame, &mut self.names, Encoded::from) {
                Ok(frame) => match translate::input(conn, frame) {
                    Meaning::Input(input) => self.inputs.push(input),
                    Meaning::Ping => *pings += 1,
                    Meaning::Bye => self.bye = true,
                },
                Err(error) => break Err(error),
            }
        };
        self.forget(used);
        result
    }

    /// Forgets what has been read, and does not keep the room that one large frame took.
    fn forget(&mut self, used: usize) {
        if used == self.buffer.len() && self.buffer.capacity() > 2 * MAX_CHUNK {
            self.buffer = BytesMut::new();
        } else {
            self.buffer.advance(used);
        }
    }
}
