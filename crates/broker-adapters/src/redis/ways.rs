//! [`Ways`]: where the server is told what to do by transactions.

use std::{collections::HashMap, time::Duration};

use ::redis::{RedisError, aio::MultiplexedConnection};
use tokio::time::Instant;

use super::{batch::Way, transaction::is_allowed};

/// Where a transaction has done nothing, no other is tried for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// So many channels are remembered.
const REMEMBERED: usize = 1_000;

/// Where the server is told what to do by transactions, and where by scripts alone.
#[derive(Debug)]
pub(super) struct Ways {
    usual: Way,
    /// Until when scripts are to do it.
    avoided: HashMap<String, Instant, foldhash::fast::RandomState>,
}

impl Ways {
    /// What this connection's user may do.
    pub(super) async fn of(connection: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let usual = if is_allowed(connection).await? { Way::Transaction } else { Way::Script };
        Ok(Self { usual, avoided: HashMap::default() })
    }

    /// How the server is told what is to be done at this channel.
    pub(super) fn to(&self, base: &str, now: Instant) -> Way {
        let is_avoided = !self.avoided.is_empty() && self.avoided.get(base).is_some_and(|until| now < *until);
        if is_avoided { Way::Script } else { self.usual }
    }

    /// A transaction has done nothing at this channel.
    pub(super) fn avoid(&mut self, base: &str, now: Instant) {
        self.avoided.retain(|_, until| now < *until);
        if self.avoided.len() >= REMEMBERED {
            self.avoided.clear();
        }
        self.avoided.insert(base.to_owned(), now + PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_done_by_a_transaction_is_done_by_scripts_for_a_while() {
        let now = Instant::now();
        let mut ways = Ways { usual: Way::Transaction, avoided: HashMap::default() };
        ways.avoid("full", now);
        assert_eq!((ways.to("full", now), ways.to("other", now)), (Way::Script, Way::Transaction));
        assert_eq!(ways.to("full", now + PAUSE), Way::Transaction);
        let never = Ways { usual: Way::Script, avoided: HashMap::default() };
        assert_eq!(never.to("other", now), Way::Script);
    }
}
