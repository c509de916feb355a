//! Who waits for an answer to a message that cannot be read.

use skyloom_core::Guid;

use super::bundle::{MEMBER, get_varint};

/// The most callers that are looked for: as many calls as may share a message of ours.
const MOST: usize = 1_000;

/// The longest name of a method that a head may have: a queue's name and a method's.
const METHOD: usize = 256;

/// The wire type of what has a length.
const BYTES: u8 = 2;

/// A call, and the inbox that awaits its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) call: Guid,
    pub(crate) inbox: Guid,
}

/// The callers of a message that is garbled somewhere.
///
/// Who calls is in an envelope's head: its first four fields, which every writer of protobuf puts first. A head that
/// is whole is believed wherever it is, for nobody chances upon an inbox that exists: its GUID cannot be guessed.
/// Members of a bundle that are whole are passed over, so that a payload is not taken for more of them. Where one is
/// not, its length says nothing, and the next is looked for from byte to byte.
///
/// A caller whose head itself is hit is not found, and hears at its deadline. Nobody else knows of it: the queue knows
/// no callers, and a list of them beside the envelopes would cost every call some thirty bytes more, for the sake of
/// those few that a program has written wrongly.
pub(crate) fn callers(body: &[u8]) -> Vec<Caller> {
    if let Some(caller) = head(body) {
        return vec![caller];
    }
    let (mut callers, mut rest) = (Vec::new(), body);
    while !rest.is_empty() && callers.len() < MOST {
        let found = member(rest).map(|(length, inside)| (after(inside, length), head(inside), inside));
        rest = match found {
            Some((Some(next), caller, _)) => {
                callers.extend(caller);
                next
            }
            Some((None, Some(caller), inside)) => {
                callers.push(caller);
                inside
            }
            Some((None, None, _)) | None => rest.get(1..).unwrap_or_default(),
        };
    }
    callers
}

/// If a member of a bundle begins here: its length, and what follows.
fn member(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    bytes = bytes.strip_prefix(&MEMBER)?;
    let length = get_varint(&mut bytes)?;
    Some((length, bytes))
}

/// What follows a member that is whole: another, or nothing.
fn after(inside: &[u8], length: usize) -> Option<&[u8]> {
    inside.get(length..).filter(|after| after.is_empty() || after.starts_with(&MEMBER))
}

/// The caller, if this begins as the envelope of a call does.
fn head(mut bytes: &[u8]) -> Option<Caller> {
    let call = guid(&mut bytes, 1)?;
    if let Some(mut kind) = bytes.strip_prefix(&[2 << 3]) {
        // A call's is 0, which most leave out.
        if get_varint(&mut kind)? != 0 {
            return None;
        }
        bytes = kind;
    }
    if let Some(mut method) = bytes.strip_prefix(&[3 << 3 | BYTES]) {
        let length = get_varint(&mut method)?;
        bytes = method.get(length..).filter(|_| length <= METHOD)?;
    }
    let inbox = guid(&mut bytes, 4)?;
    Some(Caller { call, inbox })
}

/// A field of 16 bytes.
fn guid(bytes: &mut &[u8], field: u8) -> Option<Guid> {
    let value = bytes.strip_prefix(&[field << 3 | BYTES, 16])?;
    let (guid, rest) = value.split_at_checked(16)?;
    *bytes = rest;
    Guid::from_slice(guid)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use skyloom_core::{Envelope, Kind};

    use super::{super::bundle::begin_member, *};

    fn call(payload: &[u8]) -> (Envelope, Caller) {
        let mut call = Envelope::new(Kind::Call, Guid::call());
        let inbox = Guid::private();
        (call.method, call.reply_to, call.payload) = ("Hello".into(), Some(inbox), payload.to_vec().into());
        let caller = Caller { call: call.id, inbox };
        (call, caller)
    }

    fn bundle<'a>(members: impl IntoIterator<Item = &'a Envelope>) -> BytesMut {
        let mut bundle = BytesMut::new();
        for member in members {
            begin_member(&mut bundle, member.encoded_len());
            member.encode_to(&mut bundle);
        }
        bundle
    }

    #[test]
    fn callers_are_found_around_what_is_garbled() {
        let (calls, all): (Vec<_>, Vec<_>) = (0..5).map(|_| call(&[7; 40])).unzip();
        let whole = bundle(&calls);
        let member = whole.len() / calls.len();
        assert_eq!(callers(&whole), all);
        // The end of the last is missing.
        assert_eq!(callers(&whole[..whole.len() - 1]), all);
        // The third's length says too little, too much, or more than there is.
        for length in [0, 50, 110, 127] {
            let mut wrong = whole.clone();
            wrong[2 * member + 2] = length;
            assert_eq!(callers(&wrong), all, "a length of {length}");
        }
        // A byte of the third's id's key, or of the inbox's, is another: it is not found, and the others are.
        let others = [&all[..2], &all[3..]].concat();
        for at in [3, 28] {
            let mut wrong = whole.clone();
            wrong[2 * member + at] ^= 0xff;
            assert_eq!(callers(&wrong), others, "byte {at} is hit");
        }
        // A byte that should not be there.
        let mut wrong = BytesMut::from(&whole[..2 * member + 60]);
        wrong.extend_from_slice(b"?");
        wrong.extend_from_slice(&whole[2 * member + 60..]);
        assert_eq!(callers(&wrong), all);
    }

    #[test]
    fn one_that_is_alone_is_found_by_its_head() {
        let (call, caller) = call(&[7; 40]);
        let body = call.encode();
        assert_eq!(callers(&body[..body.len() - 1]), [caller]);
        assert!(callers(&body[..30]).is_empty(), "it is cut off before its inbox");
        assert!(callers(&Envelope::new(Kind::Cast, Guid::call()).encode()).is_empty());
    }

    #[test]
    fn a_payload_of_what_is_whole_is_nobody() {
        let (inner, _) = call(b"");
        let (outer, caller) = call(&bundle([&inner, &inner]));
        let (last, other) = call(b"");
        let mut body = bundle([&outer, &outer, &last]);
        body.extend_from_slice(b"?");
        assert_eq!(callers(&body), [caller, caller, other]);
    }

    #[test]
    fn strange_bytes_are_soon_read() {
        const NOTABLE: [u8; 7] = [0x82, 0x01, 0x0a, 0x10, 0x22, 0x1a, 0xff];
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            let length = random.usize(..90);
            let bytes: Vec<u8> = (0..length).map(|_| random.choice(NOTABLE).unwrap_or_default()).collect();
            drop(callers(&bytes));
        }
        // Many that begin and have no end.
        let body = [0x82, 0x01, 0xff, 0xff, 0x03].repeat(1 << 20);
        assert!(callers(&body).is_empty());
        let (call, _) = call(b"");
        let mut body = bundle(std::iter::repeat_n(&call, 5_000));
        body.extend_from_slice(b"?");
        assert_eq!(callers(&body).len(), MOST);
    }
}
