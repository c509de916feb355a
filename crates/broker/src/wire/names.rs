//! Channels, topics and groups on the wire.

use std::{hash::BuildHasher, str::FromStr};

use bytes::{BufMut, BytesMut};
use skyloom_core::{Channel, GroupName, NameError, QueueName, TopicName};

use super::{
    WireError,
    primitives::{Reader, put_guid},
};

const QUEUE: u8 = 0;
const GROUP: u8 = 1;
const INSTANCE: u8 = 2;

/// A connection uses a handful of channels over and over; what is remembered of each is at most
/// 130 bytes twice.
const REMEMBERED: usize = 16;

/// The channels that a connection has named lately, so that a name is checked and allocated once
/// and not for each message.
#[derive(Debug, Default)]
pub struct Names {
    slots: [Option<(Box<[u8]>, Channel)>; REMEMBERED],
    hasher: foldhash::fast::FixedState,
}

impl Names {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn channel(&mut self, reader: &mut Reader<'_>) -> Result<Channel, WireError> {
        let raw = raw_channel(reader)?;
        let index = usize::try_from(self.hasher.hash_one(raw)).unwrap_or_default() % REMEMBERED;
        let slot = self.slots.get_mut(index);
        if let Some(Some((known, channel))) = &slot
            && **known == *raw
        {
            return Ok(channel.clone());
        }
        let channel = parse_channel(&mut Reader::new(reader.frame(), raw))?;
        if let Some(slot) = slot {
            *slot = Some((raw.into(), channel.clone()));
        }
        Ok(channel)
    }
}

/// The bytes of a channel, unchecked.
fn raw_channel<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let all = reader.peek();
    match reader.u8()? {
        QUEUE => drop(raw_name(reader)?),
        GROUP => drop((raw_name(reader)?, raw_name(reader)?)),
        INSTANCE => drop(reader.guid()?),
        _ => return Err(reader.value("the channel")),
    }
    Ok(all.get(..all.len() - reader.peek().len()).unwrap_or_default())
}

fn parse_channel(reader: &mut Reader<'_>) -> Result<Channel, WireError> {
    Ok(match reader.u8()? {
        QUEUE => Channel::Queue(name::<QueueName>(reader)?),
        GROUP => Channel::Group(topic(reader)?, group(reader)?),
        _ => Channel::Instance(reader.guid()?),
    })
}

pub(super) fn topic(reader: &mut Reader<'_>) -> Result<TopicName, WireError> {
    name(reader)
}

pub(super) fn group(reader: &mut Reader<'_>) -> Result<GroupName, WireError> {
    name(reader)
}

fn raw_name<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let length = usize::from(reader.u8()?);
    reader.bytes(length)
}

fn name<N: FromStr<Err = NameError>>(reader: &mut Reader<'_>) -> Result<N, WireError> {
    let text = std::str::from_utf8(raw_name(reader)?).map_err(|_| reader.value("a name"))?;
    text.parse().map_err(|error| WireError::Name { frame: reader.frame(), error })
}

pub(super) fn put_channel(out: &mut BytesMut, channel: &Channel) {
    match channel {
        Channel::Queue(name) => {
            out.put_u8(QUEUE);
            put_name(out, name.as_str());
        }
        Channel::Group(topic, group) => {
            out.put_u8(GROUP);
            put_name(out, topic.as_str());
            put_name(out, group.as_str());
        }
        Channel::Instance(guid) => {
            out.put_u8(INSTANCE);
            put_guid(out, *guid);
        }
    }
}

/// Appends a name, which has at most 64 bytes.
pub(super) fn put_name(out: &mut BytesMut, name: &str) {
    out.put_u8(u8::try_from(name.len()).unwrap_or_default());
    out.put_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use skyloom_core::Channel;

    use super::{Names, Reader, put_channel};

    #[test]
    fn more_channels_than_are_remembered_come_out_right() {
        let mut names = Names::new();
        for round in 0..3 {
            for n in 0..100 {
                let channel: Channel = format!("queue{n}.v1").parse().unwrap();
                let mut out = BytesMut::new();
                put_channel(&mut out, &channel);
                let mut reader = Reader::new("test", &out);
                assert_eq!(names.channel(&mut reader).unwrap(), channel, "round {round}");
                reader.finish().unwrap();
            }
        }
    }

    #[test]
    fn a_hostile_name_is_refused_with_its_reason() {
        for (bytes, reason) in [
            (&b"\x00\x06../etc"[..], "is not a queue name"),
            (b"\x00\x03a\r\n", "use only a-z"),
            (b"\x00\x00", "it is empty"),
            (b"\x00\x02\xff\xff", "a name in the test frame has an impossible value"),
            (b"\x01\x01a\x01/", "is not a group name"),
            (b"\x03", "the channel in the test frame"),
            (b"\x00\x05abc", "ends in the middle"),
        ] {
            let error = Names::new().channel(&mut Reader::new("test", bytes)).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
