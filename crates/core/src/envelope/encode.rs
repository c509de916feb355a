//! Writing an envelope.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Envelope, Headers,
    gather::Gather,
    wire::{bytes_len, number_len, varint_len},
};
use crate::{Ledger, Status, Text, TraceContext};

impl Envelope {
    /// The exact length of [`Envelope::encode`]'s output.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let optional = |value: usize| bytes_len(value);
        bytes_len(16)
            + number_len(self.kind as u64)
            + bytes_len(self.method.len())
            + self.reply_to.map_or(0, |_| bytes_len(16))
            + number_len(millis(self.budget))
            + number_len(self.codec as u64)
            + headers_len(self.headers())
            + self
                .trace()
                .map_or(0, |trace| bytes_len(TRACEPARENT) + trace.state.as_ref().map_or(0, |s| bytes_len(s.len())))
            + optional(ledger_len(self.ledger))
            + self.principal().map_or(0, |text| bytes_len(text.len()))
            + self.origin.map_or(0, |_| bytes_len(16))
            + self.status.as_ref().map_or(0, |status| {
                let n = status_len(status);
                1 + varint_len(n as u64) + n
            })
            + number_len(self.attempt.into())
            + bytes_len(self.payload.len())
            + self.extras.unknown().len()
    }

    /// Roughly what it occupies in memory or on the wire, in bytes.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        let headers = self.headers();
        let headers = headers.text_len() + headers.len() * 6;
        let status = self.status.as_ref().map_or(0, status_len);
        64 + self.method.len() + headers + self.payload.len() + self.extras.unknown().len() + status
    }

    /// Appends the envelope to a buffer, as `skyloom.Envelope`.
    pub fn encode_to(&self, out: &mut impl BufMut) {
        let out = &mut Gather::new(out);
        out.bytes_always(1, self.id.as_bytes());
        out.number(2, self.kind as u64);
        out.bytes(3, self.method.as_bytes());
        if let Some(inbox) = &self.reply_to {
            out.bytes(4, inbox.as_bytes());
        }
        out.number(5, millis(self.budget));
        out.number(6, self.codec as u64);
        put_headers(out, self.headers());
        if let Some(trace) = self.trace() {
            put_trace(out, trace);
        }
        put_ledger(out, self.ledger);
        out.bytes(11, self.principal().map_or("", Text::as_str).as_bytes());
        if let Some(origin) = &self.origin {
            out.bytes(12, origin.as_bytes());
        }
        if let Some(status) = &self.status {
            out.key(13, status_len(status));
            put_status(out, status);
        }
        out.number(14, self.attempt.into());
        out.bytes(15, &self.payload);
        out.raw(self.extras.unknown());
        out.flush();
    }

    /// The envelope as bytes of its own.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.encoded_len());
        self.encode_to(&mut out);
        out.freeze()
    }
}

/// The length of a `traceparent`.
const TRACEPARENT: usize = 55;

/// A budget in whole milliseconds; what is left of the last one counts as one, for zero would mean
/// that there is no budget.
fn millis(budget: Option<Duration>) -> u64 {
    budget.map_or(0, |left| u64::try_from(left.as_millis()).map_or(u32::MAX.into(), |ms| ms.clamp(1, u32::MAX.into())))
}

fn headers_len(headers: &Headers) -> usize {
    headers
        .iter()
        .map(|(name, value)| {
            let n = bytes_len(name.len()) + bytes_len(value.len());
            1 + varint_len(n as u64) + n
        })
        .sum()
}

fn put_headers<B: BufMut>(out: &mut Gather<'_, B>, headers: &Headers) {
    for (name, value) in headers.iter() {
        out.key(7, bytes_len(name.len()) + bytes_len(value.len()));
        out.bytes(1, name.as_bytes());
        out.bytes(2, value.as_bytes());
    }
}

fn put_trace<B: BufMut>(out: &mut Gather<'_, B>, trace: &TraceContext) {
    out.bytes(8, trace.to_string().as_bytes());
    out.bytes(9, trace.state.as_deref().unwrap_or_default().as_bytes());
}

fn ledger_len(ledger: Ledger) -> usize {
    [ledger.sends, ledger.receives, ledger.settles, ledger.retries]
        .into_iter()
        .map(|count| number_len(count.into()))
        .sum()
}

fn put_ledger<B: BufMut>(out: &mut Gather<'_, B>, ledger: Ledger) {
    let length = ledger_len(ledger);
    if length > 0 {
        out.key(10, length);
        for (field, count) in (1..).zip([ledger.sends, ledger.receives, ledger.settles, ledger.retries]) {
            out.number(field, count.into());
        }
    }
}

fn detail_len(detail: &crate::Detail) -> usize {
    bytes_len(detail.type_url.len()) + bytes_len(detail.value.len())
}

fn status_len(status: &Status) -> usize {
    let details: usize = status.details().iter().map(detail_len).map(|n| 1 + varint_len(n as u64) + n).sum();
    number_len(status.code().number().into())
        + bytes_len(status.message().len())
        + details
        + number_len(status.outcome() as u64)
        + number_len(status.is_retry_safe().into())
        + number_len(millis(status.retry_after()))
}

fn put_status<B: BufMut>(out: &mut Gather<'_, B>, status: &Status) {
    out.number(1, status.code().number().into());
    out.bytes(2, status.message().as_bytes());
    for detail in status.details() {
        out.key(3, detail_len(detail));
        out.bytes(1, detail.type_url.as_bytes());
        out.bytes(2, &detail.value);
    }
    out.number(4, status.outcome() as u64);
    out.number(5, status.is_retry_safe().into());
    out.number(6, millis(status.retry_after()));
}
