//! What a worker's side tells a caller who gets no reply, on brokers that tell nobody.

use skyloom_core::{Envelope, Guid, Headers, Kind, Ledger, broker::BrokerError};

/// The header that tells a Skyloom client why there is no reply. Any other client reads the status.
const HEADER: &str = "skyloom-refused";

/// A final reply in the place of the handler's: the call expired, is a dead letter, or its outcome is
/// unknown. It carries a status like any failed reply.
#[derive(Debug)]
pub(crate) struct Notice;

impl Notice {
    /// The envelope that tells the caller of `call`.
    pub(crate) fn write(call: Guid, error: &BrokerError) -> Envelope {
        let mut envelope = Envelope::new(Kind::Reply, call);
        let (word, reason) = match error {
            BrokerError::Expired => ("expired".to_owned(), ""),
            BrokerError::Dead { attempts, reason } => (format!("dead {attempts}"), reason.as_str()),
            BrokerError::Lost { reason } => ("lost".to_owned(), reason.as_str()),
            _ => (String::new(), ""),
        };
        if !word.is_empty() {
            let mut headers = Headers::new();
            headers.push(HEADER, word);
            headers.push(REASON, reason.to_owned());
            envelope.extras = envelope.extras.with_headers(headers);
        }
        envelope.status = Some(skyloom_core::Status::from(error.clone()).with_ledger(Ledger::default()));
        envelope
    }

    /// The error, if a reply is such a notice.
    pub(crate) fn read(reply: &Envelope) -> Option<BrokerError> {
        let word = reply.headers().get(HEADER)?;
        let reason = || reply.headers().get(REASON).unwrap_or_default().to_owned();
        match word.split_once(' ') {
            Some(("dead", attempts)) => Some(BrokerError::Dead { attempts: attempts.parse().ok()?, reason: reason() }),
            None if word == "expired" => Some(BrokerError::Expired),
            None if word == "lost" => Some(BrokerError::Lost { reason: reason() }),
            _ => None,
        }
    }
}

/// The header that carries the reason.
const REASON: &str = "skyloom-reason";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_the_wire() {
        let dead = BrokerError::Dead { attempts: 5, reason: "it panicked".to_owned() };
        for error in [BrokerError::Expired, dead, BrokerError::lost("the worker is gone")] {
            let call = Guid::call();
            let read = Envelope::decode(Notice::write(call, &error).encode()).unwrap();
            assert_eq!((read.id, Notice::read(&read)), (call, Some(error)));
        }
        assert_eq!(Notice::read(&Envelope::new(Kind::Reply, Guid::call())), None);
    }
}
