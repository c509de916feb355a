//! What is in a job: one envelope, or a bundle of them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use skyloom_core::{Envelope, Headers};

use crate::remote::{begin_member, members, put_varint};

/// What the broker cannot say of an envelope, in headers that are taken out before it is delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// When it was sent, for its budget, in milliseconds since the Unix epoch.
    pub(super) sent: Option<u64>,
    /// Attempts that were made while it was another job.
    pub(super) attempts: u32,
    /// How many of the last of these in a row were lost with their workers.
    pub(super) losses: u32,
    /// Why it is a dead letter.
    pub(super) reason: Option<String>,
    /// When it became one.
    pub(super) died: Option<u64>,
}

/// An envelope of a job.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) envelope: Envelope,
    pub(super) notes: Notes,
}

const SENT: &str = "skyloom-sent";
const ATTEMPTS: &str = "skyloom-attempts";
const LOSSES: &str = "skyloom-losses";
const REASON: &str = "skyloom-reason";
const DIED: &str = "skyloom-died";

/// Field 7 of an envelope, with a length: a header.
const HEADER: u8 = 0x3a;

/// Now, in milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The most that the notes of a delivery and the frame of a bundle add to an envelope. What was put once can be put again
/// with all of them, whatever the server's largest job; and as a dead letter, whose reason has what they leave.
pub(super) const OVERHEAD: usize = 128;

impl Notes {
    /// Sent now, if somebody will ask how long ago that was.
    pub(super) fn now(envelope: &Envelope) -> Self {
        Self { sent: envelope.budget.is_some().then(now_ms), ..Self::default() }
    }

    /// How long ago it was sent. A clock that is ahead of ours counts as now.
    pub(super) fn age(&self) -> Duration {
        self.sent.map_or(Duration::ZERO, |sent| Duration::from_millis(now_ms().saturating_sub(sent)))
    }

    fn write(&self, out: &mut BytesMut) {
        let mut number = |name, value: u64| put_header(out, name, value.to_string().as_bytes());
        if let Some(sent) = self.sent {
            number(SENT, sent);
        }
        if self.attempts > 0 {
            number(ATTEMPTS, self.attempts.into());
        }
        if self.losses > 0 {
            number(LOSSES, self.losses.into());
        }
        if let Some(died) = self.died {
            number(DIED, died);
        }
        if let Some(reason) = &self.reason {
            put_header(out, REASON, reason.as_bytes());
        }
    }

    /// Takes the notes out of an envelope's headers.
    fn take(envelope: &mut Envelope) -> Self {
        let mut notes = Self::default();
        if !envelope.headers().iter().any(|(name, _)| [SENT, ATTEMPTS, LOSSES, REASON, DIED].contains(&name)) {
            return notes;
        }
        let mut others = Headers::new();
        for (name, value) in envelope.extras.take_headers().iter() {
            match name {
                SENT => notes.sent = value.parse().ok(),
                ATTEMPTS => notes.attempts = value.parse().unwrap_or_default(),
                LOSSES => notes.losses = value.parse().unwrap_or_default(),
                DIED => notes.died = value.parse().ok(),
                REASON => notes.reason = Some(value.to_owned()),
                _ => others.push(name.to_owned(), value.to_owned()),
            }
        }
        envelope.extras = std::mem::take(&mut envelope.extras).with_headers(others);
        notes
    }
}

/// A job of one envelope with its notes.
pub(super) fn single(envelope: &Envelope, notes: &Notes) -> BytesMut {
    let mut out = BytesMut::with_capacity(envelope.encoded_len() + OVERHEAD);
    envelope.encode_to(&mut out);
    notes.write(&mut out);
    out
}

/// A dead letter of at most this size, for which the reason is shortened.
pub(super) fn letter(envelope: &Envelope, mut notes: Notes, largest: usize) -> BytesMut {
    let mut out = single(envelope, &notes);
    if let (Some(over), Some(reason)) = (out.len().checked_sub(largest), &mut notes.reason)
        && over > 0
    {
        reason.truncate(reason.floor_char_boundary(reason.len().saturating_sub(over)));
        out = single(envelope, &notes);
    }
    out
}

/// A job of several; of one, it is that one alone.
pub(super) fn bundle(members: &[(&Envelope, Notes)]) -> BytesMut {
    if let [(envelope, notes)] = members {
        return single(envelope, notes);
    }
    let mut out = BytesMut::with_capacity(members.iter().map(|(member, _)| member.encoded_len() + OVERHEAD).sum());
    for (envelope, notes) in members {
        let mut headers = BytesMut::new();
        notes.write(&mut headers);
        begin_member(&mut out, envelope.encoded_len() + headers.len());
        envelope.encode_to(&mut out);
        out.put_slice(&headers);
    }
    out
}

/// The envelopes of a job, or `None` if it is neither an envelope nor a bundle of them.
pub(super) fn read(body: Bytes) -> Option<Vec<Item>> {
    let item = |member| {
        let mut envelope = Envelope::decode(member).ok()?;
        let notes = Notes::take(&mut envelope);
        Some(Item { envelope, notes })
    };
    members(body)?.into_iter().map(item).collect()
}

/// The replies in a job of an inbox, as they were sent.
pub(super) fn replies(body: Bytes) -> Vec<Arc<Envelope>> {
    let members = members(body).unwrap_or_default();
    members.into_iter().filter_map(|member| Envelope::decode(member).ok().map(Arc::new)).collect()
}

fn put_header(out: &mut BytesMut, name: &str, value: &[u8]) {
    let mut header = BytesMut::with_capacity(name.len() + value.len() + 8);
    for (key, text) in [(0x0a, name.as_bytes()), (0x12, value)] {
        header.put_u8(key);
        put_varint(&mut header, text.len());
        header.put_slice(text);
    }
    out.put_u8(HEADER);
    put_varint(out, header.len());
    out.put_slice(&header);
}

#[cfg(test)]
mod tests {
    use skyloom_core::{Guid, Kind};

    use super::*;

    fn envelope(length: usize) -> Envelope {
        let mut envelope = Envelope::new(Kind::Call, Guid::call());
        envelope.payload = vec![7; length].into();
        let mut headers = Headers::new();
        headers.push("x-note", "kept");
        envelope.extras = envelope.extras.with_headers(headers);
        envelope
    }

    fn notes() -> Notes {
        Notes { sent: Some(1_700_000_000_000), attempts: 3, losses: 1, reason: Some("né".to_owned()), died: Some(5) }
    }

    #[test]
    fn notes_are_taken_out_again() {
        let sent = envelope(300);
        let items = read(single(&sent, &notes()).freeze()).unwrap();
        assert_eq!((&items[0].envelope, &items[0].notes), (&sent, &notes()));
        let plain = read(sent.encode()).unwrap();
        assert_eq!((&plain[0].envelope, &plain[0].notes), (&sent, &Notes::default()));
    }

    #[test]
    fn there_is_room_for_the_notes_of_every_delivery_and_for_a_reason() {
        let (plain, most) = (envelope(70_000), u32::MAX);
        let delivered = Notes { sent: Some(now_ms()), attempts: most, losses: most, ..Notes::default() };
        let member = || (&plain, delivered.clone());
        assert!(bundle(&[member(), member()]).len() <= 2 * (plain.encoded_len() + OVERHEAD));
        let reason = Some("né".repeat(300));
        let died = Notes { attempts: most, reason: reason.clone(), died: Some(now_ms()), ..Notes::default() };
        let largest = plain.encoded_len() + OVERHEAD;
        let short = letter(&plain, died.clone(), largest);
        assert!(short.len() <= largest);
        let read_back = |letter: BytesMut| read(letter.freeze()).unwrap().remove(0).notes.reason;
        let kept = read_back(short).unwrap();
        assert!(kept.len() >= 40 && reason.as_ref().is_some_and(|reason| reason.starts_with(&kept)), "{kept}");
        assert_eq!(read_back(letter(&plain, died, 1 << 20)), reason);
    }

    #[test]
    fn a_bundle_has_its_members_in_order() {
        let members = [envelope(0), envelope(200), envelope(70_000)];
        let noted: Vec<_> = members.iter().map(|member| (member, notes())).collect();
        let body = bundle(&noted).freeze();
        let items = read(body.clone()).unwrap();
        assert_eq!(items.iter().map(|item| &item.envelope).collect::<Vec<_>>(), members.iter().collect::<Vec<_>>());
        assert!(items.iter().all(|item| item.notes == notes()));
        for cut in [1, 2, 3, 50, body.len() - 1] {
            assert!(read(body.slice(..cut)).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn strange_bytes_are_no_job() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..random.usize(..60)).map(|_| random.u8(..)).collect();
            if random.bool() {
                bytes.splice(0..0, [0x82, 0x01]);
            }
            // It may be an envelope by chance; it never panics.
            let items = read(Bytes::from(bytes));
            assert!(items.is_none_or(|items| !items.is_empty()));
        }
    }
}
