//! W3C trace context.

use std::{fmt, str::FromStr};

use crate::Text;

/// The trace that a call belongs to, as in the W3C recommendation "Trace Context": the text of
/// `traceparent` is `00-<32 hex>-<16 hex>-<2 hex>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole trace's id, never all zero.
    pub trace_id: u128,
    /// The caller's span, never zero.
    pub parent_id: u64,
    /// Bit 0: sampled.
    pub flags: u8,
    /// Vendors' own state, passed on as it is.
    pub state: Option<Text>,
}

impl TraceContext {
    /// Starts a new, sampled trace.
    #[must_use]
    pub fn root() -> Self {
        Self { trace_id: fastrand::u128(1..), parent_id: fastrand::u64(1..), flags: 1, state: None }
    }

    /// The same trace with a new span as the parent of what is called next.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { parent_id: fastrand::u64(1..), ..self.clone() }
    }

    /// Adds a vendor's state.
    #[must_use]
    pub fn with_state(mut self, state: Option<Text>) -> Self {
        self.state = state;
        self
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

/// Text that is no `traceparent`. The recommendation says to start a new trace then.
#[derive(Debug, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct ParseTraceError;

impl FromStr for TraceContext {
    type Err = ParseTraceError;

    fn from_str(text: &str) -> Result<Self, ParseTraceError> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            parts
                .next()
                .filter(|part| part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
                .and_then(|part| u128::from_str_radix(part, 16).ok())
                .ok_or(ParseTraceError)
        };
        let version = hex(2)?;
        let trace_id = hex(32)?;
        let parent_id = u64::try_from(hex(16)?).map_err(|_| ParseTraceError)?;
        let flags = u8::try_from(hex(2)?).map_err(|_| ParseTraceError)?;
        let trailing = parts.next().is_some();
        if version == 0xff || (version == 0 && trailing) || trace_id == 0 || parent_id == 0 {
            return Err(ParseTraceError);
        }
        Ok(Self { trace_id, parent_id, flags, state: None })
    }
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    #[test]
    fn the_recommendations_example_survives() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(text.parse::<TraceContext>().unwrap().to_string(), text);
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
    }
}
