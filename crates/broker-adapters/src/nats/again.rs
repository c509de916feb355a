//! Work goes back as a copy that says what became of it so far. The server counts deliveries, and knows neither which of
//! them were no attempts nor with which ones a worker was lost.

use std::{sync::Arc, time::Duration};

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};
use skyloom_core::{Channel, broker::Ack};

use super::{
    api::again_after,
    dead::{ATTEMPTS, ONLY, name_of},
    outbox::{Outgoing, Replaced, Then},
    work::{Held, Worker},
};

/// The header that counts the last of a copy's attempts in a row that were lost with their workers.
const LOSSES: &str = "skyloom-losses";

/// The header with the milliseconds for which a copy is to wait. Only the server can let it wait, once it has delivered it.
const DELAY: &str = "skyloom-delay";

/// What a message says of the attempts before it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) attempts: u32,
    /// How many of the last of them in a row were lost with their workers.
    pub(super) losses: u32,
    /// Its first delivery is none, but gives it back to the server for so long.
    pub(super) delay: Option<Duration>,
}

impl Past {
    pub(super) fn read(headers: Option<&HeaderMap>) -> Self {
        let Some(headers) = headers else { return Self::default() };
        let number = |name| headers.get(name).and_then(|value| value.as_str().parse::<u32>().ok());
        Self {
            attempts: number(ATTEMPTS).unwrap_or(0),
            losses: number(LOSSES).unwrap_or(0),
            delay: number(DELAY).map(|milliseconds| Duration::from_millis(milliseconds.into())),
        }
    }

    fn write(self, headers: &mut HeaderMap) {
        for (name, count) in [(ATTEMPTS, self.attempts), (LOSSES, self.losses)] {
            if count > 0 {
                headers.insert(name, count.to_string().as_str());
            }
        }
        if let Some(delay) = self.delay {
            let milliseconds = delay.as_micros().div_ceil(1_000);
            headers.insert(DELAY, milliseconds.min(u32::MAX.into()).to_string().as_str());
        }
    }

    /// Which attempt a message's delivery is that was delivered so often, and how many were lost in a row before it. A
    /// first failure that is reported is not told apart from one that was lost: it is given back without a copy.
    pub(super) fn at(self, delivered: u32) -> (u32, u32) {
        let attempts = delivered.saturating_sub(u32::from(self.delay.is_some()));
        (self.attempts.saturating_add(attempts), self.losses.saturating_add(attempts.saturating_sub(1)))
    }
}

impl Worker {
    /// Ends a lease so that the work comes again with this past. Where the copy finds no room, the server delivers the
    /// message itself again, and counts that.
    pub(super) fn again(&self, held: Held, past: Past) -> Ack {
        let Some(ack) = held.ack else { return Ack::ready(Ok(())) };
        let mut headers = HeaderMap::new();
        // One of which nobody heard that it is kept is not written twice.
        if let Some(name) = name_of(&self.channel, &ack) {
            headers.insert(NATS_MESSAGE_ID, name);
        }
        if let Channel::Group(_, group) = &self.channel {
            headers.insert(ONLY, group.as_str());
        }
        past.write(&mut headers);
        let until = held.renewed + self.state().safe;
        let otherwise = again_after(past.delay.unwrap_or_default());
        let (sender, done) = Ack::waiting();
        self.handle.0.submit(Outgoing {
            target: self.target.clone(),
            envelope: Arc::clone(&held.envelope),
            headers: Some(headers),
            then: Then::Confirm(sender),
            since: held.born,
            replaces: Some(Replaced { ack, otherwise, until }),
        });
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_on_where_its_message_ended() {
        assert_eq!(Past::read(None).at(3), (3, 2));
        let written = |past: Past| {
            let mut headers = HeaderMap::new();
            past.write(&mut headers);
            assert_eq!(Past::read(Some(&headers)), past);
            past
        };
        assert_eq!(written(Past { attempts: 2, losses: 2, delay: None }).at(1), (3, 2));
        let waits = written(Past { attempts: 2, losses: 0, delay: Some(Duration::from_millis(300)) });
        assert_eq!((waits.at(2), waits.at(3)), ((3, 0), (4, 1)), "its first delivery only lets it wait");
    }
}
