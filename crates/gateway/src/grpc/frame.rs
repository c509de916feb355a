//! Messages with their five-byte prefix.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use skyloom::{Result, Status};

/// A flag of one byte and a length of four.
pub(super) const PREFIX: usize = 5;

/// The one message of a request.
pub(super) fn unframe(mut body: Bytes, limit: usize) -> Result<Bytes> {
    if body.len() < PREFIX {
        return Err(Status::invalid_argument("the request ends before its first message does"));
    }
    let compressed = body.get_u8();
    let length = usize::try_from(body.get_u32()).unwrap_or(usize::MAX);
    if compressed != 0 {
        return Err(Status::unimplemented("compressed messages are not understood: send them with identity encoding"));
    }
    if length > limit {
        return Err(too_large(limit));
    }
    if body.len() < length {
        return Err(Status::invalid_argument("the request ends before its first message does"));
    }
    let message = body.split_to(length);
    if !body.is_empty() {
        return Err(Status::unimplemented("a request is one message here: streams of requests are not understood"));
    }
    Ok(message)
}

/// A message that is larger than the gateway takes.
pub(super) fn too_large(limit: usize) -> Status {
    Status::resource_exhausted(format!("the message is larger than {limit} bytes, the most that is allowed"))
        .with_retry_safe(false)
}

/// A message with its prefix.
pub(super) fn frame(message: &Bytes) -> Result<Bytes> {
    let length = u32::try_from(message.len()).map_err(|_| Status::internal("the reply is larger than 4 GiB"))?;
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.extend_from_slice(message);
    Ok(framed.freeze())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use skyloom::Code;

    use super::{frame, unframe};

    #[test]
    fn a_message_survives_its_frame() {
        for message in ["", "x", "hello"] {
            let message = Bytes::from_static(message.as_bytes());
            assert_eq!(unframe(frame(&message).unwrap(), 5).unwrap(), message);
        }
    }

    #[test]
    fn what_is_no_single_message_is_refused() {
        for (body, code) in [
            (&b""[..], Code::InvalidArgument),
            (b"\0\0\0\0", Code::InvalidArgument),
            (b"\0\0\0\0\x02x", Code::InvalidArgument),
            (b"\x01\0\0\0\x01x", Code::Unimplemented),
            (b"\0\0\0\0\x01xy", Code::Unimplemented),
            (b"\0\xff\xff\xff\xff", Code::ResourceExhausted),
        ] {
            assert_eq!(unframe(Bytes::from_static(body), 5).unwrap_err().code(), code, "{body:?}");
        }
    }
}
