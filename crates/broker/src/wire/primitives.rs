//! The fields that frames are made of. Numbers are little-endian; a GUID is 16 bytes; a duration
//! is microseconds in 64 bits; a text is its length in 16 bits and UTF-8.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use skyloom_core::{Guid, broker::Lease};

use super::WireError;

/// The longest text in bytes: a reason is one sentence, and a cut one is better than none.
pub const MAX_TEXT: usize = 4096;

/// Stands for "no duration".
const NO_DURATION: u64 = u64::MAX;

/// Reads a frame field by field.
pub(super) struct Reader<'a> {
    frame: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(frame: &'static str, rest: &'a [u8]) -> Self {
        Self { frame, rest }
    }

    pub(super) const fn frame(&self) -> &'static str {
        self.frame
    }

    pub(super) const fn value(&self, field: &'static str) -> WireError {
        WireError::Value { frame: self.frame, field }
    }

    /// What has not been read yet.
    pub(super) const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Cut { frame: self.frame })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Cut { frame: self.frame })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.value(field)),
        }
    }

    pub(super) fn guid(&mut self) -> Result<Guid, WireError> {
        self.array().map(Guid::from_bytes)
    }

    /// A GUID of zeros means that there is none.
    pub(super) fn optional_guid(&mut self) -> Result<Option<Guid>, WireError> {
        Ok(Some(self.guid()?).filter(|guid| *guid != Guid::default()))
    }

    pub(super) fn duration(&mut self) -> Result<Duration, WireError> {
        self.u64().map(Duration::from_micros)
    }

    pub(super) fn optional_duration(&mut self) -> Result<Option<Duration>, WireError> {
        Ok(Some(self.u64()?).filter(|micros| *micros != NO_DURATION).map(Duration::from_micros))
    }

    pub(super) fn lease(&mut self) -> Result<Lease, WireError> {
        Ok(Lease { slot: self.u32()?, number: self.u64()? })
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<String, WireError> {
        let length = usize::from(self.u16()?);
        if length > MAX_TEXT {
            return Err(self.value(field));
        }
        let text = std::str::from_utf8(self.bytes(length)?).map_err(|_| self.value(field))?;
        Ok(text.to_owned())
    }

    /// Everything up to the frame's end.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Nothing may be left.
    pub(super) const fn finish(&self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(WireError::Trailing { frame: self.frame, bytes }),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    // Longer than 500,000 years is as good as the longest that is not "none".
    u64::try_from(duration.as_micros()).unwrap_or(NO_DURATION).min(NO_DURATION - 1)
}

pub(super) fn put_duration(out: &mut BytesMut, duration: Duration) {
    out.put_u64_le(micros(duration));
}

pub(super) fn put_optional_duration(out: &mut BytesMut, duration: Option<Duration>) {
    out.put_u64_le(duration.map_or(NO_DURATION, micros));
}

pub(super) fn put_guid(out: &mut BytesMut, guid: Guid) {
    out.put_slice(guid.as_bytes());
}

pub(super) fn put_lease(out: &mut BytesMut, lease: Lease) {
    out.put_u32_le(lease.slot);
    out.put_u64_le(lease.number);
}

/// Appends a text, cut at a character's boundary if it is longer than [`MAX_TEXT`].
pub(super) fn put_text(out: &mut BytesMut, text: &str) {
    let cut = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
    out.put_u16_le(u16::try_from(cut.len()).unwrap_or_default());
    out.put_slice(cut.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::BytesMut;

    use super::{MAX_TEXT, Reader, put_duration, put_optional_duration, put_text};

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut out = BytesMut::new();
        put_text(&mut out, &"ä".repeat(MAX_TEXT));
        let text = Reader::new("test", &out).text("it").unwrap();
        assert_eq!(text.len(), MAX_TEXT);
        put_text(&mut out, &format!("x{}", "ä".repeat(MAX_TEXT)));
        assert_eq!(Reader::new("test", &out[2 + MAX_TEXT..]).text("it").unwrap().len(), MAX_TEXT - 1);
    }

    #[test]
    fn the_longest_duration_is_not_taken_for_none() {
        let mut out = BytesMut::new();
        put_optional_duration(&mut out, Some(Duration::MAX));
        put_optional_duration(&mut out, None);
        put_duration(&mut out, Duration::from_micros(7));
        let mut reader = Reader::new("test", &out);
        assert!(reader.optional_duration().unwrap().is_some());
        assert_eq!(reader.optional_duration().unwrap(), None);
        assert_eq!(reader.duration().unwrap(), Duration::from_micros(7));
        reader.finish().unwrap();
    }
}
