//! Several envelopes in one message of a broker: `Bundle` in `envelope.proto`.

use bytes::{Buf as _, BufMut, Bytes};

/// Field 16 of a bundle, with a length: an envelope. No envelope begins with it.
const MEMBER: [u8; 2] = [0x82, 0x01];

/// Begins a member of a bundle that has this many bytes; they follow.
#[cfg(feature = "beanstalk")]
pub(crate) fn begin_member(out: &mut impl BufMut, length: usize) {
    out.put_slice(&MEMBER);
    put_varint(out, length);
}

/// The envelopes of a message: those of a bundle, or the one that it is. `None` if it begins as a bundle and is
/// none.
pub(crate) fn members(mut body: Bytes) -> Option<Vec<Bytes>> {
    if !body.starts_with(&MEMBER) {
        return Some(vec![body]);
    }
    let mut members = Vec::new();
    while !body.is_empty() {
        if !body.starts_with(&MEMBER) {
            return None;
        }
        body.advance(MEMBER.len());
        let length = get_varint(&mut body)?;
        if length > body.len() {
            return None;
        }
        members.push(body.split_to(length));
    }
    Some(members)
}

#[cfg(feature = "beanstalk")]
pub(crate) fn put_varint(out: &mut impl BufMut, mut value: usize) {
    while value >= 0x80 {
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

fn get_varint(buffer: &mut Bytes) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..35).step_by(7) {
        let byte = buffer.first().copied()?;
        buffer.advance(1);
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
