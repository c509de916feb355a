//! Frames: how AMQP 0-9-1 cuts up a connection.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a connection begins with.
pub(in crate::amqp) const HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// A frame that carries a method.
pub(in crate::amqp) const METHOD: u8 = 1;
/// A frame that says what a message's body will be.
pub(in crate::amqp) const CONTENT: u8 = 2;
/// A frame with a part of a message's body.
pub(in crate::amqp) const BODY: u8 = 3;
/// A frame that says that its sender is there.
pub(in crate::amqp) const HEARTBEAT: u8 = 8;

const END: u8 = 0xCE;

/// What a frame has besides its payload.
pub(in crate::amqp) const OVERHEAD: usize = 8;

/// One frame.
#[derive(Debug)]
pub(in crate::amqp) struct Frame {
    pub(in crate::amqp) kind: u8,
    pub(in crate::amqp) channel: u16,
    pub(in crate::amqp) payload: Bytes,
}

/// Bytes that are not AMQP 0-9-1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what came is not AMQP 0-9-1: {0}")]
pub(in crate::amqp) struct WireError(pub(in crate::amqp) &'static str);

/// Takes the next frame out of what was read, if it is whole; its payload is a view.
pub(in crate::amqp) fn take(buffer: &mut BytesMut, limit: usize) -> Result<Option<Frame>, WireError> {
    let Some((mut head, _)) = buffer.split_first_chunk::<7>().map(|(head, rest)| (&head[..], rest)) else {
        return Ok(None);
    };
    let (kind, channel, size) = (head.get_u8(), head.get_u16(), head.get_u32() as usize);
    if !matches!(kind, METHOD | CONTENT | BODY | HEARTBEAT) {
        return Err(WireError("a frame of an unknown kind"));
    }
    if size + OVERHEAD > limit {
        return Err(WireError("a frame that is larger than was agreed"));
    }
    if buffer.len() < size + OVERHEAD {
        buffer.reserve(size + OVERHEAD - buffer.len());
        return Ok(None);
    }
    let mut whole = buffer.split_to(size + OVERHEAD);
    if whole.last() != Some(&END) {
        return Err(WireError("a frame without its end"));
    }
    whole.truncate(size + OVERHEAD - 1);
    whole.advance(7);
    Ok(Some(Frame { kind, channel, payload: whole.freeze() }))
}

/// Appends a frame whose payload `write` writes.
pub(in crate::amqp) fn put(out: &mut BytesMut, kind: u8, channel: u16, write: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    out.put_u16(channel);
    let size_at = out.len();
    out.put_u32(0);
    write(out);
    let size = u32::try_from(out.len() - size_at - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(size_at..size_at + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
    out.put_u8(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_in_pieces() {
        let mut out = BytesMut::new();
        put(&mut out, BODY, 7, |out| out.put_slice(b"hello"));
        let mut buffer = BytesMut::new();
        for byte in &out[..out.len() - 1] {
            buffer.put_u8(*byte);
            assert!(take(&mut buffer, 4096).unwrap().is_none());
        }
        buffer.put_u8(END);
        let frame = take(&mut buffer, 4096).unwrap().unwrap();
        assert_eq!((frame.kind, frame.channel, &frame.payload[..]), (BODY, 7, &b"hello"[..]));
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(take(&mut BytesMut::from(&b"HTTP/1.1 400 Bad Request"[..]), 4096).is_err());
        assert!(take(&mut BytesMut::from(&[1, 0, 0, 0xFF, 0, 0, 0, 0][..]), 4096).is_err());
        assert!(take(&mut BytesMut::from(&[8, 0, 0, 0, 0, 0, 0, 1][..]), 4096).is_err());
    }
}
