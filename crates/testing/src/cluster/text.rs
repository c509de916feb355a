//! Messages for people: what an assertion shows when it fails.

use std::fmt::Write as _;

use bytes::Bytes;
use skyloom::transcode::Transcoder;
use skyloom_core::{Codec, Envelope, Kind, Payload, QueueName, Status};

use super::{
    journal::{Attempt, End, Record},
    shared::Shared,
    target::Place,
};

/// How much of a payload is shown, in characters: a line that a person can still read.
const SHOWN: usize = 200;

/// How many messages a failed assertion lists: a screenful.
const LISTED: usize = 40;

impl Shared {
    /// One message and what became of it, in a line.
    pub(super) fn line(&self, record: &Record) -> String {
        let Record { queue, envelope, at, refused, attempts, .. } = record;
        let (kind, name) = match (envelope.kind, queue) {
            (Kind::Cast, Some(queue)) => ("cast", format!("{queue}/{}", envelope.method)),
            (_, Some(queue)) => ("call", format!("{queue}/{}", envelope.method)),
            (_, None) => ("event", envelope.method.to_string()),
        };
        let payload = self.payload(queue.as_ref(), envelope, &envelope.method, Side::Request);
        let mut line = format!("{:>9} {kind} {name} {payload}", format!("+{:.1}ms", at.as_secs_f64() * 1e3));
        match refused {
            Some(reason) => push(&mut line, format_args!(": refused: {reason}")),
            None if attempts.is_empty() => line.push_str(": not delivered"),
            None => {}
        }
        for (place, attempt) in attempts.iter().enumerate() {
            let before = match (place, queue) {
                (0, _) => ": ",
                // The broker counts on, and a caller that tries again begins anew.
                (_, Some(_)) if attempt.number == 1 => "; its caller tries again: ",
                _ => "; ",
            };
            push(&mut line, format_args!("{before}{}", self.attempt(record, attempt)));
        }
        line
    }

    fn attempt(&self, record: &Record, attempt: &Attempt) -> String {
        let Attempt { channel, number, seat, streamed, end } = attempt;
        let mut text = format!("attempt {number} by {}", self.name(*seat));
        if record.queue.is_none() {
            push(&mut text, format_args!(" as {channel}"));
        }
        if *streamed > 0 {
            push(&mut text, format_args!(" streamed {streamed} messages and"));
        }
        match end {
            None => text.push_str(" is under way"),
            Some(End::Done) => text.push_str(" is done"),
            Some(End::Released) => text.push_str(" was given back"),
            Some(End::Retried(reason)) => push(&mut text, format_args!(" failed: {reason}")),
            Some(End::Buried(reason)) => push(&mut text, format_args!(" failed for good: {reason}")),
            Some(End::Lost(reason)) => push(&mut text, format_args!(" was lost: {reason}")),
            Some(End::Replied(reply)) => match &reply.status {
                Some(status) => push(&mut text, format_args!(" answered {status}")),
                None if *streamed > 0 => text.push_str(" ended"),
                None => {
                    let method = &record.envelope.method;
                    let payload = self.payload(record.queue.as_ref(), reply, method, Side::Reply);
                    push(&mut text, format_args!(" answered {payload}"));
                }
            },
        }
        text
    }

    /// A payload as JSON as far as there is any.
    pub(super) fn payload(&self, queue: Option<&QueueName>, envelope: &Envelope, method: &str, side: Side) -> String {
        let json = match envelope.codec {
            Codec::Json => Some(envelope.payload.clone()),
            Codec::Protobuf => queue.and_then(|queue| self.json(queue, &envelope.payload, method, side)),
        };
        let Some(json) = json else { return format!("({} bytes of protobuf)", envelope.payload.len()) };
        let text = String::from_utf8_lossy(&json);
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
            None => text.into_owned(),
        }
    }

    fn json(&self, queue: &QueueName, payload: &Bytes, method: &str, side: Side) -> Option<Bytes> {
        let transcoder = self.transcoder(queue)?;
        let method = transcoder.method(method)?;
        match side {
            Side::Request => method.decode_request(Codec::Protobuf, payload).ok(),
            Side::Reply => method.decode_reply(Codec::Protobuf, payload).ok(),
        }
    }

    /// Reads the descriptors anew each time: only what fails needs them.
    fn transcoder(&self, queue: &QueueName) -> Option<Transcoder> {
        Transcoder::new(&self.contract(queue.as_str())?).ok()
    }

    /// A request with its type; one in JSON to a service whose messages are protobuf, as its handler gets it.
    pub(super) fn request<Q: Payload>(&self, queue: Option<&QueueName>, envelope: &Envelope) -> Result<Q, String> {
        let payload = match (envelope.codec, Q::CODEC) {
            (Codec::Json, Codec::Protobuf) => {
                let transcoder = queue.and_then(|queue| self.transcoder(queue));
                let method = transcoder.as_ref().and_then(|transcoder| transcoder.method(&envelope.method));
                method.map(|method| method.encode_request(&envelope.payload))
            }
            (got, takes) => (got == takes).then(|| Ok(envelope.payload.clone())),
        };
        let unlike =
            || Err(Status::invalid_argument(format!("it is {}, not {}", envelope.codec.name(), Q::CODEC.name())));
        let request = payload.unwrap_or_else(unlike).and_then(Q::decode);
        request.map_err(|status| format!("this is no {}: {}", Q::type_name(), status.message()))
    }

    /// For a failed assertion: what there was of a place, and else all there was.
    pub(super) fn story(&self, place: &Place) -> String {
        let is_own = |record: &Record| place.matches(record.queue.as_ref().map(QueueName::as_str), &record.envelope);
        let (own, missed) = self.journal.read(is_own);
        let (all, _) = self.journal.read(|_| true);
        let mut text = match (own.is_empty(), all.is_empty()) {
            (_, true) => "nothing was sent in this cluster".to_owned(),
            (true, false) => format!("nothing was sent to {place}; what was sent:"),
            (false, _) => format!("what was sent to {place}:"),
        };
        let listed = if own.is_empty() { &all } else { &own };
        for record in listed.iter().take(LISTED) {
            push(&mut text, format_args!("\n  {}", self.line(record)));
        }
        let more = listed.len().saturating_sub(LISTED) + missed;
        if more > 0 {
            push(&mut text, format_args!("\n  and {more} more"));
        }
        text
    }
}

/// Which of a method's two messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Request,
    Reply,
}

/// Writing to a `String` does not fail.
pub(super) fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}
