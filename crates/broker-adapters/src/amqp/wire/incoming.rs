//! The methods that a server sends.

use bytes::Bytes;

use super::{
    frame::WireError,
    read::{Reader, Value},
};

/// A method that a server sends.
#[derive(Debug)]
pub(in crate::amqp) enum Incoming {
    /// It greets, with the mechanisms of authentication that it has, and the name and version that it gives itself.
    Start { mechanisms: Bytes, server: String },
    /// It asks for more than a user and a password.
    Secure,
    /// Its limits: channels, a frame's bytes, seconds between signs of life.
    Tune { channels: u16, frame: u32, heartbeat: u16 },
    /// The virtual host is open.
    Opened,
    /// It ends the connection.
    Close { code: u16, text: String },
    /// The connection is closed, as was asked.
    Closed,
    /// It does not take messages for now.
    Blocked(String),
    /// It takes messages again.
    Unblocked,
    /// A channel is open.
    ChannelOpened,
    /// It does not take messages on a channel, or does again.
    Flow(bool),
    /// It ends a channel.
    ChannelClose { code: u16, text: String },
    /// A channel is closed, as was asked.
    ChannelClosed,
    /// A queue is declared, with what it holds.
    QueueDeclared { messages: u32, consumers: u32 },
    /// An exchange is declared, or a queue bound.
    Done,
    /// A queue is emptied or deleted.
    Removed { messages: u32 },
    /// A channel's credit is set.
    QosSet,
    /// A consumer is there.
    Consuming,
    /// A consumer is gone, as was asked.
    Cancelled,
    /// A consumer is gone because its queue is.
    Cancel { consumer: Bytes },
    /// A message that nobody took comes back.
    Return { text: String },
    /// A message comes.
    Deliver { consumer: Bytes, tag: u64, redelivered: bool },
    /// Messages are accepted.
    Ack { tag: u64, multiple: bool },
    /// Messages are refused.
    Nack { tag: u64, multiple: bool },
    /// Messages on a channel will be confirmed.
    Confirming,
    /// Nothing that matters here.
    Other,
}

impl Incoming {
    /// Reads a method frame's payload.
    pub(in crate::amqp) fn read(payload: Bytes) -> Result<Self, WireError> {
        let mut reader = Reader(payload);
        let (class, method) = (reader.short()?, reader.short()?);
        match class {
            10 => Self::connection(method, &mut reader),
            20 => Self::channel(method, &mut reader),
            50 => Self::queue(method, &mut reader),
            60 => Self::basic(method, &mut reader),
            40 if method == 11 => Ok(Self::Done),
            85 if method == 11 => Ok(Self::Confirming),
            _ => Ok(Self::Other),
        }
    }

    fn connection(method: u16, reader: &mut Reader) -> Result<Self, WireError> {
        Ok(match method {
            10 => {
                // The version was agreed on by the header.
                reader.short()?;
                let properties: Vec<(Bytes, Value)> = reader.table()?;
                Self::Start { mechanisms: reader.long_string()?, server: server(&properties) }
            }
            20 => Self::Secure,
            30 => Self::Tune { channels: reader.short()?, frame: reader.long()?, heartbeat: reader.short()? },
            41 => Self::Opened,
            50 => Self::Close { code: reader.short()?, text: reader.text()? },
            51 => Self::Closed,
            60 => Self::Blocked(reader.text()?),
            61 => Self::Unblocked,
            _ => Self::Other,
        })
    }

    fn channel(method: u16, reader: &mut Reader) -> Result<Self, WireError> {
        Ok(match method {
            11 => Self::ChannelOpened,
            20 => Self::Flow(reader.octet()? & 1 == 1),
            40 => Self::ChannelClose { code: reader.short()?, text: reader.text()? },
            41 => Self::ChannelClosed,
            _ => Self::Other,
        })
    }

    fn queue(method: u16, reader: &mut Reader) -> Result<Self, WireError> {
        Ok(match method {
            11 => {
                reader.short_string()?;
                Self::QueueDeclared { messages: reader.long()?, consumers: reader.long()? }
            }
            21 => Self::Done,
            31 | 41 => Self::Removed { messages: reader.long()? },
            _ => Self::Other,
        })
    }

    fn basic(method: u16, reader: &mut Reader) -> Result<Self, WireError> {
        Ok(match method {
            11 => Self::QosSet,
            21 => Self::Consuming,
            30 => Self::Cancel { consumer: reader.short_string()? },
            31 => Self::Cancelled,
            50 => {
                reader.short()?;
                Self::Return { text: reader.text()? }
            }
            60 => {
                let consumer = reader.short_string()?;
                Self::Deliver { consumer, tag: reader.long_long()?, redelivered: reader.octet()? & 1 == 1 }
            }
            80 => Self::Ack { tag: reader.long_long()?, multiple: reader.octet()? & 1 == 1 },
            120 => Self::Nack { tag: reader.long_long()?, multiple: reader.octet()? & 1 == 1 },
            _ => Self::Other,
        })
    }
}

/// `RabbitMQ 3.10.8`, as far as the server says it.
fn server(properties: &[(Bytes, Value)]) -> String {
    let text = |name: &[u8]| {
        properties.iter().find_map(|(key, value)| match value {
            Value::Text(text) if key == name => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        })
    };
    let words: Vec<String> = [text(b"product"), text(b"version")].into_iter().flatten().collect();
    words.join(" ")
}
