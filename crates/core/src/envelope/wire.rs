//! The protobuf wire format, as far as the envelope needs it: varints, lengths, skipping.
//! Source: "Encoding" in the Protocol Buffers documentation.

pub(super) const VARINT: u64 = 0;
pub(super) const FIXED64: u64 = 1;
pub(super) const BYTES: u64 = 2;
pub(super) const FIXED32: u64 = 5;

/// A read past the end, an overlong varint, or a wire type that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) const fn varint_len(value: u64) -> usize {
    // 7 bits a byte; `| 1` makes zero one byte long.
    ((63 - (value | 1).leading_zeros() as usize) / 7) + 1
}

/// The length of a field of a one-byte key with `length` bytes; nothing if it is left out.
pub(super) const fn bytes_len(length: usize) -> usize {
    if length == 0 { 0 } else { 1 + varint_len(length as u64) + length }
}

pub(super) const fn number_len(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_len(value) }
}

#[inline]
pub(super) fn get_varint(buffer: &mut &[u8]) -> Result<u64, Malformed> {
    // Nearly all are one byte long.
    if let Some((first, rest)) = buffer.split_first()
        && *first < 0x80
    {
        *buffer = rest;
        return Ok(u64::from(*first));
    }
    get_long_varint(buffer)
}

fn get_long_varint(buffer: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for (index, byte) in buffer.iter().copied().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return Err(Malformed);
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            *buffer = buffer.get(index + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// A length-delimited value that is there completely.
#[inline]
pub(super) fn get_bytes<'a>(buffer: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(get_varint(buffer)?).map_err(|_| Malformed)?;
    let (value, rest) = buffer.split_at_checked(length).ok_or(Malformed)?;
    *buffer = rest;
    Ok(value)
}

/// Skips the value of an unknown field.
pub(super) fn skip(buffer: &mut &[u8], wire_type: u64) -> Result<(), Malformed> {
    match wire_type {
        VARINT => get_varint(buffer).map(drop),
        BYTES => get_bytes(buffer).map(drop),
        FIXED64 => pass(buffer, 8),
        FIXED32 => pass(buffer, 4),
        _ => Err(Malformed),
    }
}

fn pass(buffer: &mut &[u8], length: usize) -> Result<(), Malformed> {
    *buffer = buffer.get(length..).ok_or(Malformed)?;
    Ok(())
}
