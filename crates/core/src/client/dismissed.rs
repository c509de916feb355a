//! Which instances have been told lately that nobody waits for a call any more.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::Guid;

/// So many are remembered: the streams of one client that are given up within [`AGAIN`]. Of more, some are told twice.
const REMEMBERED: usize = 256;

/// An instance that still sends after so long is told again: the word may have been lost.
const AGAIN: Duration = Duration::from_secs(1);

/// A call and an instance that has been told of it, and when, the oldest first.
#[derive(Default)]
pub(super) struct Dismissed(VecDeque<(Instant, Guid, Guid)>);

impl Dismissed {
    /// Whether this instance is to be told that nobody waits for this call; from now on it counts as told.
    pub(super) fn is_due(&mut self, call: Guid, instance: Guid, now: Instant) -> bool {
        while self.0.front().is_some_and(|(told, ..)| *told + AGAIN <= now) {
            self.0.pop_front();
        }
        if self.0.iter().any(|(_, known, by)| (*known, *by) == (call, instance)) {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((now, call, instance));
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{AGAIN, Dismissed, REMEMBERED};
    use crate::Guid;

    #[test]
    fn each_instance_is_told_once_of_each_call_and_again_if_it_does_not_listen() {
        let (mut dismissed, now) = (Dismissed::default(), Instant::now());
        let (call, other, instance, second) = (Guid::call(), Guid::call(), Guid::private(), Guid::private());
        let mut told = |call, instance, now| dismissed.is_due(call, instance, now);
        for (call, instance) in [(call, instance), (call, second), (other, instance)] {
            assert!(told(call, instance, now));
            assert!(!told(call, instance, now + AGAIN / 2));
        }
        assert!(told(call, instance, now + AGAIN));
        assert!(!told(call, instance, now + AGAIN));
    }

    #[test]
    fn it_remembers_the_latest_and_no_more_than_so_many() {
        let (mut dismissed, now, instance) = (Dismissed::default(), Instant::now(), Guid::private());
        let calls: Vec<Guid> = (0..=REMEMBERED).map(|_| Guid::call()).collect();
        assert!(calls.iter().all(|call| dismissed.is_due(*call, instance, now)));
        assert_eq!(dismissed.0.len(), REMEMBERED);
        assert!(!dismissed.is_due(calls[REMEMBERED], instance, now));
        assert!(dismissed.is_due(calls[0], instance, now), "the oldest is forgotten first");
    }
}
