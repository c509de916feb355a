//! The 128-bit identifiers of calls, inboxes and instances.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A 16-byte identifier: a UUID v7 for a call (ordered by time), a UUID v4 for an inbox or an
/// instance (from the operating system's randomness, so that it cannot be guessed).
///
/// It prints and parses as a hyphenated UUID (RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Guid([u8; 16]);

impl Guid {
    /// A new call's GUID: UUID v7, milliseconds since the Unix epoch followed by random bits.
    ///
    /// The random bits are for uniqueness only; nothing is protected by their being unguessable,
    /// since only the holder of a request's lease can answer it.
    #[must_use]
    pub fn call() -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        let mut random = [0; 10];
        random[..8].copy_from_slice(&fastrand::u64(..).to_le_bytes());
        random[8..].copy_from_slice(&fastrand::u16(..).to_le_bytes());
        Self(*uuid::Builder::from_unix_timestamp_millis(now, &random).as_uuid().as_bytes())
    }

    /// A call's GUID from its parts: milliseconds since the Unix epoch, a number of which 42 bits
    /// count, and 32 bits more, as RFC 9562 lets a UUID v7 be filled by a counter.
    pub(crate) const fn of_call(millis: u64, number: u64, tail: u32) -> Self {
        let upper = (millis << 16) | 0x7000 | ((number >> 30) & 0xfff);
        let lower = (0b10 << 62) | ((number & 0x3fff_ffff) << 32) | tail as u64;
        Self((((upper as u128) << 64) | lower as u128).to_be_bytes())
    }

    /// The last 32 bits.
    pub(crate) const fn tail(&self) -> u32 {
        u128::from_be_bytes(self.0) as u32
    }

    /// A new private GUID, for an inbox or an instance: UUID v4.
    #[must_use]
    pub fn private() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }

    /// When it was made, if it is a call's: the time since the Unix epoch.
    #[must_use]
    pub fn made(&self) -> Option<Duration> {
        const TIME_ORDERED: u128 = 7;
        let bits = u128::from_be_bytes(self.0);
        let millis = u64::try_from(bits >> 80).unwrap_or_default();
        ((bits >> 76) & 0xF == TIME_ORDERED).then(|| Duration::from_millis(millis))
    }

    /// The GUID of these bytes, or `None` if there are not exactly 16.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The GUID of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes, as on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// As one number: tables of GUIDs are on the way of every call.
impl Hash for Guid {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.0));
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&uuid::Uuid::from_bytes(self.0).hyphenated(), f)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a GUID.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a GUID: give 32 hexadecimal digits, with or without hyphens")]
pub struct ParseGuidError(String);

impl FromStr for Guid {
    type Err = ParseGuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::try_parse(text)
            .map(|uuid| Self(*uuid.as_bytes()))
            .map_err(|_| ParseGuidError(text.chars().take(64).collect()))
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Guid;

    #[test]
    fn calls_are_version_7_and_ordered_by_time() {
        let first = Guid::call();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let second = Guid::call();
        assert!(first < second);
        assert_eq!(first.as_bytes()[6] >> 4, 7);
    }

    #[test]
    fn a_calls_guid_is_put_together_from_its_parts() {
        let guid = Guid::of_call(0x0192_3456_789a, 0x3ff_ffff_ffff, 0xdead_beef);
        assert_eq!(guid.to_string(), "01923456-789a-7fff-bfff-ffffdeadbeef");
        assert_eq!(guid.tail(), 0xdead_beef);
        assert_eq!(Guid::of_call(1, 1 << 30, 0).to_string(), "00000000-0001-7001-8000-000000000000");
    }

    #[test]
    fn private_guids_are_version_4_and_survive_printing() {
        let guid = Guid::private();
        assert_eq!(guid.as_bytes()[6] >> 4, 4);
        assert_eq!(guid.to_string().parse::<Guid>().unwrap(), guid);
        assert!("nonsense".parse::<Guid>().is_err());
    }
}
