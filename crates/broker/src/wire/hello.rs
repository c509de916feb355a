//! The first bytes in each direction. Their form is the same in every version of the protocol, so
//! that the two sides can agree on one.

use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use skyloom_core::Guid;

use super::{
    WireError,
    primitives::{Reader, put_duration, put_guid, put_text},
};

/// What either side sends first.
pub const MAGIC: [u8; 4] = *b"SKYL";

/// The newest version of the protocol that this crate speaks.
pub const VERSION: u16 = 1;

/// The oldest version of the protocol that this crate speaks.
pub const MIN_VERSION: u16 = 1;

/// The longest name that a client can give itself, in bytes: enough for a service and its host.
pub const MAX_CLIENT_NAME: usize = 64;

/// The longest hello of a client in bytes; who sends more without completing it speaks another
/// protocol.
pub const MAX_CLIENT_HELLO: usize = MAGIC.len() + 2 + 2 + 16 + 1 + MAX_CLIENT_NAME;

const ACCEPTED: u8 = 0;
const REFUSED: u8 = 1;

/// What a client says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// The oldest version it speaks.
    pub min: u16,
    /// The newest version it speaks.
    pub max: u16,
    /// Names the client over all its connections; after a planned restart of the broker its leases
    /// and inboxes are found by it. It must not be guessable.
    pub session: Guid,
    /// What to call it in logs.
    pub name: String,
}

/// What the broker answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerHello {
    /// Frames may follow.
    Accepted(Accepted),
    /// The connection ends, for this reason.
    Refused(String),
}

/// What a client has to know about its broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The version that both will speak.
    pub version: u16,
    /// Names the broker's state. Another one after a reconnect means that the state is lost: leases,
    /// inboxes and what was waiting are gone.
    pub epoch: Guid,
    /// The largest envelope in bytes.
    pub message_bytes: u64,
    /// How long an inbox is kept while its client is away.
    pub inbox_grace: Duration,
    /// After how long without a sign of life a connection's instances count as down.
    pub silence: Duration,
}

impl ClientHello {
    /// A hello in the versions of this crate. A name that is too long is cut.
    #[must_use]
    pub fn new(session: Guid, name: &str) -> Self {
        let name = name.get(..name.floor_char_boundary(MAX_CLIENT_NAME)).unwrap_or_default().to_owned();
        Self { min: MIN_VERSION, max: VERSION, session, name }
    }

    /// Appends it to a buffer.
    pub fn encode(&self, out: &mut BytesMut) {
        let name = self.name.get(..self.name.floor_char_boundary(MAX_CLIENT_NAME)).unwrap_or_default();
        out.put_slice(&MAGIC);
        out.put_u16_le(self.min);
        out.put_u16_le(self.max);
        put_guid(out, self.session);
        out.put_u8(u8::try_from(name.len()).unwrap_or_default());
        out.put_slice(name.as_bytes());
    }

    /// Takes a hello out of the buffer, or `None` if it has not come completely.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are no hello.
    pub fn decode(buffer: &mut BytesMut) -> Result<Option<Self>, WireError> {
        check_magic(buffer)?;
        take(buffer, |reader| {
            reader.bytes(MAGIC.len())?;
            let (min, max, session) = (reader.u16()?, reader.u16()?, reader.guid()?);
            let length = usize::from(reader.u8()?);
            if length > MAX_CLIENT_NAME {
                return Err(reader.value("the client's name"));
            }
            let name = std::str::from_utf8(reader.bytes(length)?).map_err(|_| reader.value("the client's name"))?;
            if min > max {
                return Err(reader.value("the version"));
            }
            Ok(Self { min, max, session, name: name.to_owned() })
        })
    }
}

impl ServerHello {
    /// Appends it to a buffer.
    pub fn encode(&self, out: &mut BytesMut) {
        out.put_slice(&MAGIC);
        match self {
            Self::Accepted(accepted) => {
                out.put_u8(ACCEPTED);
                out.put_u16_le(accepted.version);
                put_guid(out, accepted.epoch);
                out.put_u64_le(accepted.message_bytes);
                put_duration(out, accepted.inbox_grace);
                put_duration(out, accepted.silence);
            }
            Self::Refused(reason) => {
                out.put_u8(REFUSED);
                put_text(out, reason);
            }
        }
    }

    /// Takes a hello out of the buffer, or `None` if it has not come completely.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are no hello.
    pub fn decode(buffer: &mut BytesMut) -> Result<Option<Self>, WireError> {
        check_magic(buffer)?;
        take(buffer, |reader| {
            reader.bytes(MAGIC.len())?;
            Ok(match reader.u8()? {
                ACCEPTED => Self::Accepted(Accepted {
                    version: reader.u16()?,
                    epoch: reader.guid()?,
                    message_bytes: reader.u64()?,
                    inbox_grace: reader.duration()?,
                    silence: reader.duration()?,
                }),
                REFUSED => Self::Refused(reader.text("the reason")?),
                _ => return Err(reader.value("the answer")),
            })
        })
    }
}

/// The newest version that both this crate and a client speak, or the sentence that says that there
/// is none.
///
/// # Errors
/// The sentence.
pub fn common_version(hello: &ClientHello) -> Result<u16, String> {
    let version = VERSION.min(hello.max);
    if version >= MIN_VERSION.max(hello.min) {
        return Ok(version);
    }
    Err(format!(
        "the broker speaks the versions {MIN_VERSION} to {VERSION} of the protocol and the client {} to {}; \
         bring the older of the two up to date",
        hello.min, hello.max
    ))
}

/// Wrong first bytes are refused as soon as one of them is wrong.
fn check_magic(buffer: &[u8]) -> Result<(), WireError> {
    let start = buffer.get(..MAGIC.len()).unwrap_or(buffer);
    if MAGIC.starts_with(start) {
        return Ok(());
    }
    Err(WireError::Magic(start.escape_ascii().to_string()))
}

/// Reads from the buffer's start and removes what was read; does nothing if it is incomplete.
fn take<T>(
    buffer: &mut BytesMut,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    let mut reader = Reader::new("hello", buffer);
    let value = match read(&mut reader) {
        Err(WireError::Cut { .. }) => return Ok(None),
        result => result?,
    };
    let read = buffer.len() - reader.peek().len();
    buffer.advance(read);
    Ok(Some(value))
}
