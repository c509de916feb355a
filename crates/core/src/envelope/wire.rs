//! The protobuf wire format, as far as the envelope needs it: varints, lengths, skipping.
//! Source: "Encoding" in the Protocol Buffers documentation.

use bytes::{Buf, BufMut, Bytes};

pub(super) const VARINT: u64 = 0;
pub(super) const FIXED64: u64 = 1;
pub(super) const BYTES: u64 = 2;
pub(super) const FIXED32: u64 = 5;

/// A read past the end, an overlong varint, or a wire type that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

pub(super) const fn varint_len(value: u64) -> usize {
    // 7 bits a byte; `| 1` makes zero one byte long.
    ((63 - (value | 1).leading_zeros() as usize) / 7) + 1
}

pub(super) fn put_number(out: &mut impl BufMut, field: u64, value: u64) {
    if value != 0 {
        put_varint(out, field << 3 | VARINT);
        put_varint(out, value);
    }
}

pub(super) fn put_bytes(out: &mut impl BufMut, field: u64, value: &[u8]) {
    if !value.is_empty() {
        put_bytes_always(out, field, value);
    }
}

pub(super) fn put_bytes_always(out: &mut impl BufMut, field: u64, value: &[u8]) {
    put_varint(out, field << 3 | BYTES);
    put_varint(out, value.len() as u64);
    out.put_slice(value);
}

/// The length of a field of a one-byte key with `length` bytes; nothing if it is left out.
pub(super) const fn bytes_len(length: usize) -> usize {
    if length == 0 { 0 } else { 1 + varint_len(length as u64) + length }
}

pub(super) const fn number_len(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_len(value) }
}

pub(super) fn get_varint(buffer: &mut Bytes) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for (index, byte) in buffer.iter().copied().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return Err(Malformed);
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            buffer.advance(index + 1);
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// The length of a value that is there completely.
fn get_length(buffer: &mut Bytes) -> Result<usize, Malformed> {
    let length = usize::try_from(get_varint(buffer)?).map_err(|_| Malformed)?;
    if length > buffer.len() { Err(Malformed) } else { Ok(length) }
}

/// A length-delimited value: a view of the buffer, not a copy.
pub(super) fn get_bytes(buffer: &mut Bytes) -> Result<Bytes, Malformed> {
    let length = get_length(buffer)?;
    Ok(buffer.split_to(length))
}

/// A length-delimited value of which nothing is kept; cheaper than a view.
pub(super) fn read_bytes<T>(buffer: &mut Bytes, read: impl FnOnce(&[u8]) -> T) -> Result<T, Malformed> {
    let length = get_length(buffer)?;
    let value = read(buffer.get(..length).ok_or(Malformed)?);
    buffer.advance(length);
    Ok(value)
}

/// Skips the value of an unknown field.
pub(super) fn skip(buffer: &mut Bytes, wire_type: u64) -> Result<(), Malformed> {
    let length = match wire_type {
        VARINT => return get_varint(buffer).map(drop),
        BYTES => return get_bytes(buffer).map(drop),
        FIXED64 => 8,
        FIXED32 => 4,
        _ => return Err(Malformed),
    };
    if length > buffer.len() {
        return Err(Malformed);
    }
    buffer.advance(length);
    Ok(())
}
