//! An operator's questions and their answers on the wire.

use bytes::{BufMut, BytesMut};
use skyloom_core::broker::Depth;

use super::{
    WireError, WriteBody,
    frame::FRAME_ROOM,
    names::{Names, put_channel},
    primitives::{Reader, put_duration, put_guid, put_text},
};
use crate::engine::{AdminAnswer, AdminCommand, DeadMessage};

const CHANNELS: u8 = 0;
const DEPTH: u8 = 1;
const DEAD: u8 = 2;
const KICK: u8 = 3;
const DROP_DEAD: u8 = 4;
const PAUSE: u8 = 5;
const PEEK: u8 = 6;
const TOTALS: u8 = 7;
const COUNT: u8 = 8;
const FORGET: u8 = 9;

pub(super) fn put_command(out: &mut BytesMut, command: &AdminCommand) {
    match command {
        AdminCommand::Channels => out.put_u8(CHANNELS),
        AdminCommand::Depth(channel) => {
            out.put_u8(DEPTH);
            put_channel(out, channel);
        }
        AdminCommand::Dead(channel, limit) => {
            out.put_u8(DEAD);
            put_channel(out, channel);
            out.put_u32_le(*limit);
        }
        AdminCommand::Kick(channel, number, limit) => {
            out.put_u8(KICK);
            put_channel(out, channel);
            put_number(out, *number);
            out.put_u32_le(*limit);
        }
        AdminCommand::DropDead(channel, number) => {
            out.put_u8(DROP_DEAD);
            put_channel(out, channel);
            put_number(out, *number);
        }
        AdminCommand::Pause(channel, time) => {
            out.put_u8(PAUSE);
            put_channel(out, channel);
            put_duration(out, *time);
        }
        AdminCommand::Peek(channel, limit) => {
            out.put_u8(PEEK);
            put_channel(out, channel);
            out.put_u32_le(*limit);
        }
        AdminCommand::Totals => out.put_u8(TOTALS),
        AdminCommand::Forget(service) => {
            out.put_u8(FORGET);
            put_text(out, service);
        }
    }
}

pub(super) fn read_command(reader: &mut Reader<'_>, names: &mut Names) -> Result<AdminCommand, WireError> {
    Ok(match reader.u8()? {
        CHANNELS => AdminCommand::Channels,
        DEPTH => AdminCommand::Depth(names.channel(reader)?),
        DEAD => AdminCommand::Dead(names.channel(reader)?, reader.u32()?),
        KICK => AdminCommand::Kick(names.channel(reader)?, read_number(reader)?, reader.u32()?),
        DROP_DEAD => AdminCommand::DropDead(names.channel(reader)?, read_number(reader)?),
        PAUSE => AdminCommand::Pause(names.channel(reader)?, reader.duration()?),
        PEEK => AdminCommand::Peek(names.channel(reader)?, reader.u32()?),
        TOTALS => AdminCommand::Totals,
        FORGET => AdminCommand::Forget(reader.text("the service")?),
        _ => return Err(reader.value("the command")),
    })
}

fn put_number(out: &mut BytesMut, number: Option<u64>) {
    out.put_u8(number.is_some().into());
    if let Some(number) = number {
        out.put_u64_le(number);
    }
}

fn read_number(reader: &mut Reader<'_>) -> Result<Option<u64>, WireError> {
    if reader.flag("the number")? { reader.u64().map(Some) } else { Ok(None) }
}

pub(super) fn put_answer<B: WriteBody>(out: &mut BytesMut, answer: &AdminAnswer<B>) -> Result<(), WireError> {
    match answer {
        AdminAnswer::Channels(channels) => {
            out.put_u8(CHANNELS);
            put_json(out, "admin", channels)?;
        }
        AdminAnswer::Depth(depth) => {
            out.put_u8(DEPTH);
            for count in [depth.ready, depth.delayed, depth.leased, depth.dead, depth.consumers] {
                out.put_u64_le(count);
            }
        }
        AdminAnswer::Dead(letters) => {
            out.put_u8(DEAD);
            put_list(out, letters, put_dead);
        }
        AdminAnswer::Count(count) => {
            out.put_u8(COUNT);
            out.put_u64_le(*count);
        }
        AdminAnswer::Peek(bodies) => {
            out.put_u8(PEEK);
            put_list(out, bodies, put_body);
        }
        AdminAnswer::Totals(totals) => {
            out.put_u8(TOTALS);
            put_json(out, "admin", totals)?;
        }
    }
    Ok(())
}

pub(super) fn read_answer<'a, B>(
    reader: &mut Reader<'a>,
    body: impl Fn(&'a [u8]) -> B,
) -> Result<AdminAnswer<B>, WireError> {
    Ok(match reader.u8()? {
        CHANNELS => AdminAnswer::Channels(read_json(reader)?),
        DEPTH => AdminAnswer::Depth(Depth {
            ready: reader.u64()?,
            delayed: reader.u64()?,
            leased: reader.u64()?,
            dead: reader.u64()?,
            consumers: reader.u64()?,
        }),
        DEAD => AdminAnswer::Dead(read_list(reader, |reader| read_dead(reader, &body))?),
        COUNT => AdminAnswer::Count(reader.u64()?),
        PEEK => AdminAnswer::Peek(read_list(reader, |reader| read_body(reader, &body))?),
        TOTALS => AdminAnswer::Totals(read_json(reader)?),
        _ => return Err(reader.value("the answer")),
    })
}

/// Appends as many of the items as fit into a frame, and at least the first; the count comes first.
fn put_list<T>(out: &mut BytesMut, items: &[T], put: impl Fn(&mut BytesMut, &T)) {
    let start = out.len();
    out.put_u32_le(0);
    let mut count = 0u32;
    for item in items {
        let before = out.len();
        put(out, item);
        if count > 0 && out.len() - start > FRAME_ROOM {
            out.truncate(before);
            break;
        }
        count += 1;
    }
    if let Some(prefix) = out.get_mut(start..start + 4) {
        prefix.copy_from_slice(&count.to_le_bytes());
    }
}

fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    // The list is not allocated by its count, which may be a lie, but as its items come.
    let count = reader.u32()?;
    (0..count).map(|_| read(reader)).collect()
}

fn put_dead<B: WriteBody>(out: &mut BytesMut, letter: &DeadMessage<B>) {
    out.put_u64_le(letter.number);
    put_guid(out, letter.id);
    out.put_u32_le(letter.attempts);
    put_duration(out, letter.age);
    put_text(out, &letter.reason);
    put_body(out, &letter.body);
}

fn read_dead<'a, B>(reader: &mut Reader<'a>, body: &impl Fn(&'a [u8]) -> B) -> Result<DeadMessage<B>, WireError> {
    Ok(DeadMessage {
        number: reader.u64()?,
        id: reader.guid()?,
        attempts: reader.u32()?,
        age: reader.duration()?,
        reason: reader.text("the reason")?,
        body: read_body(reader, body)?,
    })
}

fn put_body<B: WriteBody>(out: &mut BytesMut, body: &B) {
    let start = out.len();
    out.put_u32_le(0);
    body.write_body(out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(prefix) = out.get_mut(start..start + 4) {
        prefix.copy_from_slice(&length.to_le_bytes());
    }
}

fn read_body<'a, B>(reader: &mut Reader<'a>, body: &impl Fn(&'a [u8]) -> B) -> Result<B, WireError> {
    let length = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    reader.bytes(length).map(body)
}

/// Appends JSON up to the frame's end.
pub(super) fn put_json(
    out: &mut BytesMut,
    frame: &'static str,
    value: &impl serde::Serialize,
) -> Result<(), WireError> {
    serde_json::to_writer(out.writer(), value).map_err(|error| WireError::Json { frame, reason: error.to_string() })
}

/// Reads JSON up to the frame's end.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(reader: &mut Reader<'_>) -> Result<T, WireError> {
    let frame = reader.frame();
    serde_json::from_slice(reader.rest()).map_err(|error| WireError::Json { frame, reason: error.to_string() })
}
