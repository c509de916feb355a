//! Several envelopes in one message of a broker: `Bundle` in `envelope.proto`.

use bytes::{Buf, BufMut, Bytes};

/// Field 16 of a bundle, with a length: an envelope. No envelope begins with it.
pub(super) const MEMBER: [u8; 2] = [0x82, 0x01];

/// Begins a member of a bundle that has this many bytes; they follow.
pub(crate) fn begin_member(out: &mut impl BufMut, length: usize) {
    out.put_slice(&MEMBER);
    put_varint(out, length);
}

/// A bundle seldom has more members than this.
const USUAL_MEMBERS: usize = 64;

/// The envelopes of a message: those of a bundle, or the one that it is. `None` if it begins as a bundle and is
/// none.
pub(crate) fn members(mut body: Bytes) -> Option<Vec<Bytes>> {
    if !body.starts_with(&MEMBER) {
        return Some(vec![body]);
    }
    let whole = body.len();
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
        if members.is_empty() {
            // The others are often as long.
            members.reserve((whole / (MEMBER.len() + 1 + length)).min(USUAL_MEMBERS));
        }
        members.push(body.split_to(length));
    }
    Some(members)
}

pub(crate) fn put_varint(out: &mut impl BufMut, mut value: usize) {
    while value >= 0x80 {
        out.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

pub(super) fn get_varint(buffer: &mut impl Buf) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..35).step_by(7) {
        let byte = buffer.try_get_u8().ok()?;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// How many bytes of several envelopes become one message.
#[cfg(any(feature = "nats", feature = "amqp"))]
pub(crate) const BUNDLE_BYTES: usize = 32 << 10;

/// How long the frame of a member may be.
#[cfg(any(feature = "nats", feature = "amqp", feature = "redis"))]
pub(crate) const MOST_FRAME: usize = MEMBER.len() + 5;

/// Several envelopes, or one that is not framed.
#[cfg(any(feature = "nats", feature = "amqp"))]
#[derive(Debug, Default)]
pub(crate) struct Bundle {
    bytes: bytes::BytesMut,
    /// How long the frame of the first is.
    frame: usize,
    pub(crate) count: usize,
}

#[cfg(any(feature = "nats", feature = "amqp"))]
impl Bundle {
    /// Adds one.
    pub(crate) fn add(&mut self, envelope: &skyloom_core::Envelope) {
        begin_member(&mut self.bytes, envelope.encoded_len());
        if self.count == 0 {
            self.frame = self.bytes.len();
        }
        envelope.encode_to(&mut self.bytes);
        self.count += 1;
    }

    /// Whether another still fits, if it may have so many bytes with the frames of both. The first always does.
    pub(crate) fn has_room(&self, envelope: &skyloom_core::Envelope, limit: usize) -> bool {
        self.count == 0 || self.bytes.len() + MOST_FRAME + envelope.encoded_len() <= limit
    }

    /// What is sent.
    pub(crate) fn body(self) -> Bytes {
        let body = self.bytes.freeze();
        if self.count == 1 { body.slice(self.frame..) } else { body }
    }
}

#[cfg(all(test, any(feature = "nats", feature = "amqp")))]
mod tests {
    use skyloom_core::{Envelope, Guid, Kind};

    use super::*;

    fn envelope(length: usize) -> Envelope {
        Envelope { payload: vec![7; length].into(), ..Envelope::new(Kind::Reply, Guid::call()) }
    }

    #[test]
    fn one_is_itself_and_several_are_a_bundle() {
        for lengths in [&[0][..], &[300], &[0, 200, 20_000]] {
            let (envelopes, mut bundle): (Vec<_>, _) =
                (lengths.iter().map(|at| envelope(*at)).collect(), Bundle::default());
            envelopes.iter().for_each(|envelope| bundle.add(envelope));
            assert!(!bundle.has_room(&envelope(BUNDLE_BYTES), BUNDLE_BYTES));
            let body = bundle.body();
            assert_eq!(body.starts_with(&[0x82, 0x01]), lengths.len() > 1);
            let read: Vec<_> = members(body).unwrap().into_iter().map(|one| Envelope::decode(one).unwrap()).collect();
            assert_eq!(read, envelopes);
        }
    }

    #[test]
    fn what_has_room_stays_within_the_limit() {
        for limit in [500, 5_000, 50_000] {
            let (mut bundle, one) = (Bundle::default(), envelope(120));
            while bundle.has_room(&one, limit) {
                bundle.add(&one);
            }
            let length = bundle.body().len();
            assert!((limit - 200..=limit).contains(&length), "{length} of {limit} bytes");
        }
    }
}
