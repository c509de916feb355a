//! Where one frame ends and the next begins: a length in 32 bits, then that many bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::WireError;

/// How much longer than the largest message a frame may be: a listing of all channels and a
/// registration with its contracts are JSON and have to fit as well.
pub const FRAME_ROOM: usize = 4 << 20;

/// The bytes of a frame's length.
pub const PREFIX: usize = 4;

/// The longest frame where messages of up to `message_bytes` are taken.
#[must_use]
pub const fn frame_limit(message_bytes: usize) -> usize {
    message_bytes.saturating_add(FRAME_ROOM)
}

/// The first frame in the buffer, without its length, or `None` if it has not come completely. In
/// the buffer it is longer by [`PREFIX`].
///
/// # Errors
/// [`WireError::Oversize`] as soon as its length is known.
pub fn first_frame(buffer: &[u8], limit: usize) -> Result<Option<&[u8]>, WireError> {
    let Some((prefix, rest)) = buffer.split_first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(WireError::Oversize { length, limit });
    }
    Ok(rest.get(..length))
}

/// Takes the first frame out of the buffer, without its length and without copying it.
///
/// # Errors
/// [`WireError::Oversize`] as soon as its length is known.
pub fn split_frame(buffer: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, WireError> {
    let Some(length) = first_frame(buffer, limit)?.map(<[u8]>::len) else {
        return Ok(None);
    };
    buffer.advance(PREFIX);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// Appends a frame that `write` fills. If it fails, or if the frame is too long for its prefix,
/// the buffer is as before.
pub(super) fn put_frame(
    out: &mut BytesMut,
    kind: u8,
    write: impl FnOnce(&mut BytesMut) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    out.put_u32_le(0);
    out.put_u8(kind);
    let written = write(out).and_then(|()| {
        let length = out.len() - start - PREFIX;
        u32::try_from(length).map_err(|_| WireError::Oversize { length, limit: u32::MAX as usize })
    });
    match written {
        Ok(length) => {
            if let Some(prefix) = out.get_mut(start..start + PREFIX) {
                prefix.copy_from_slice(&length.to_le_bytes());
            }
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{WireError, first_frame, put_frame, split_frame};

    #[test]
    fn a_frame_that_is_cut_in_two_waits_for_its_rest() {
        let mut whole = BytesMut::new();
        put_frame(&mut whole, 7, |out| {
            out.extend_from_slice(b"abc");
            Ok(())
        })
        .unwrap();
        for cut in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..cut]);
            assert_eq!(split_frame(&mut part, 100), Ok(None));
            assert_eq!(part.len(), cut);
            part.extend_from_slice(&whole[cut..]);
            assert_eq!(split_frame(&mut part, 100).unwrap().unwrap(), &b"\x07abc"[..]);
            assert!(part.is_empty());
        }
    }

    #[test]
    fn an_oversize_frame_is_refused_by_its_length_alone() {
        let error = WireError::Oversize { length: 101, limit: 100 };
        assert_eq!(first_frame(&[101, 0, 0, 0], 100), Err(error));
    }

    #[test]
    fn a_frame_that_cannot_be_written_leaves_no_trace() {
        let mut out = BytesMut::from(&b"before"[..]);
        put_frame(&mut out, 7, |_| Err(WireError::UnknownType(9))).unwrap_err();
        assert_eq!(out, &b"before"[..]);
    }
}
