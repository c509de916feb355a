//! Gathers small pieces, so that the outgoing buffer is asked once for many of them.

use bytes::BufMut;

use super::wire::{BYTES, VARINT};

/// As much as an envelope's head mostly takes.
const ROOM: usize = 128;

/// Fields of a protobuf message on their way to a buffer.
pub(super) struct Gather<'a, B: BufMut> {
    out: &'a mut B,
    pieces: [u8; ROOM],
    length: usize,
}

impl<'a, B: BufMut> Gather<'a, B> {
    pub(super) const fn new(out: &'a mut B) -> Self {
        Self { out, pieces: [0; ROOM], length: 0 }
    }

    /// Appends bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if bytes.len() > ROOM - self.length {
            self.flush();
        }
        match self.pieces.get_mut(self.length..self.length + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            None => self.out.put_slice(bytes),
        }
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        if self.length == ROOM {
            self.flush();
        }
        if let Some(room) = self.pieces.get_mut(self.length) {
            *room = byte;
            self.length += 1;
        }
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// A number, unless it is zero.
    #[inline]
    pub(super) fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.varint(field << 3 | VARINT);
            self.varint(value);
        }
    }

    /// Bytes, unless there are none.
    #[inline]
    pub(super) fn bytes(&mut self, field: u64, value: &[u8]) {
        if !value.is_empty() {
            self.bytes_always(field, value);
        }
    }

    /// Bytes, also if there are none.
    #[inline]
    pub(super) fn bytes_always(&mut self, field: u64, value: &[u8]) {
        self.key(field, value.len());
        self.raw(value);
    }

    /// What comes before a value of this many bytes.
    #[inline]
    pub(super) fn key(&mut self, field: u64, length: usize) {
        self.varint(field << 3 | BYTES);
        self.varint(length as u64);
    }

    /// Hands over what is gathered.
    pub(super) fn flush(&mut self) {
        self.out.put_slice(self.pieces.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}
