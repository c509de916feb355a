//! Results and errors on the wire.

use bytes::{BufMut, BytesMut};
use skyloom_core::broker::BrokerError;

use super::{
    WireError,
    primitives::{Reader, put_guid, put_text},
};

const OK: u8 = 0;
const FULL: u8 = 1;
const TOO_LARGE: u8 = 2;
const UNAVAILABLE: u8 = 3;
const LOST: u8 = 4;
const EXPIRED: u8 = 5;
const DEAD: u8 = 6;
const STALE: u8 = 7;
const REFUSED: u8 = 8;
const GONE: u8 = 9;

/// Codes of later versions say first in words what happened, so that whoever does not know them can pass that on. From
/// this one on, the outcome is unknown; below, nothing was done.
const LATER_UNKNOWN: u8 = 128;

pub(super) fn put_result(out: &mut BytesMut, result: &Result<(), BrokerError>) {
    match result {
        Ok(()) => out.put_u8(OK),
        Err(error) => put_error(out, error),
    }
}

pub(super) fn put_error(out: &mut BytesMut, error: &BrokerError) {
    match error {
        BrokerError::Full { what, limit } => {
            out.put_u8(FULL);
            put_text(out, what);
            put_text(out, limit);
        }
        BrokerError::TooLarge { size, limit } => {
            out.put_u8(TOO_LARGE);
            out.put_u64_le(*size as u64);
            out.put_u64_le(*limit as u64);
        }
        BrokerError::Unavailable { reason } => {
            out.put_u8(UNAVAILABLE);
            put_text(out, reason);
        }
        BrokerError::Lost { reason } => {
            out.put_u8(LOST);
            put_text(out, reason);
        }
        BrokerError::Expired => out.put_u8(EXPIRED),
        BrokerError::Dead { attempts, reason } => {
            out.put_u8(DEAD);
            out.put_u32_le(*attempts);
            put_text(out, reason);
        }
        BrokerError::Stale => out.put_u8(STALE),
        BrokerError::Refused { reason } => {
            out.put_u8(REFUSED);
            put_text(out, reason);
        }
        BrokerError::Gone { instance } => {
            out.put_u8(GONE);
            put_guid(out, *instance);
        }
        // What this version of the protocol has no number for is still told in words.
        other => {
            out.put_u8(REFUSED);
            put_text(out, &other.to_string());
        }
    }
}

pub(super) fn read_result(reader: &mut Reader<'_>) -> Result<Result<(), BrokerError>, WireError> {
    match reader.u8()? {
        OK => Ok(Ok(())),
        code => error_of(code, reader).map(Err),
    }
}

pub(super) fn read_error(reader: &mut Reader<'_>) -> Result<BrokerError, WireError> {
    let code = reader.u8()?;
    error_of(code, reader)
}

fn error_of(code: u8, reader: &mut Reader<'_>) -> Result<BrokerError, WireError> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(match code {
        FULL => BrokerError::Full { what: reader.text("what is full")?, limit: reader.text("the limit")? },
        TOO_LARGE => BrokerError::TooLarge { size: size(reader.u64()?), limit: size(reader.u64()?) },
        UNAVAILABLE => BrokerError::Unavailable { reason: reader.text("the reason")? },
        LOST => BrokerError::Lost { reason: reader.text("the reason")? },
        EXPIRED => BrokerError::Expired,
        DEAD => BrokerError::Dead { attempts: reader.u32()?, reason: reader.text("the reason")? },
        STALE => BrokerError::Stale,
        REFUSED => BrokerError::Refused { reason: reader.text("the reason")? },
        GONE => BrokerError::Gone { instance: reader.guid()? },
        OK => return Err(reader.value("the result")),
        _ => {
            let reason = reader.text("the reason")?;
            reader.rest();
            if code < LATER_UNKNOWN { BrokerError::Refused { reason } } else { BrokerError::Lost { reason } }
        }
    })
}
