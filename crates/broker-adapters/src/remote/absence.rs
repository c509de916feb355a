//! Whether the reader of a stream is gone, on brokers that keep no inbox for a client that is away.

use std::time::Duration;

use skyloom_core::broker::BrokerError;
use tokio::time::Instant;

/// A client that has lost its connection is back within this, or nobody waits for it. It tries every two seconds at least.
const GRACE: Duration = Duration::from_secs(5);

/// Since when nobody was seen to read what a worker sends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Absence(Option<Instant>);

impl Absence {
    /// Notes whether somebody reads it now.
    ///
    /// # Errors
    /// [`BrokerError::unread`] if nobody did before either, and that is a while ago.
    pub(crate) fn note(&mut self, is_read: bool, now: Instant) -> Result<(), BrokerError> {
        let since = (!is_read).then(|| *self.0.get_or_insert(now));
        self.0 = since;
        match since {
            Some(since) if now.saturating_duration_since(since) >= GRACE => Err(BrokerError::unread()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_within_the_grace_is_read_to() {
        let (mut absence, start) = (Absence::default(), Instant::now());
        let moment = Duration::from_millis(1);
        assert_eq!(absence.note(false, start), Ok(()));
        assert_eq!(absence.note(false, start + GRACE - moment), Ok(()));
        assert_eq!(absence.note(true, start + GRACE - moment), Ok(()));
        assert_eq!(absence.note(false, start + GRACE), Ok(()), "it is another absence");
        assert_eq!(absence.note(false, start + GRACE * 2), Err(BrokerError::unread()));
        assert_eq!(absence.note(false, start + GRACE * 3), Err(BrokerError::unread()));
    }
}
