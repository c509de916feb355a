//! [`Crowds`]: how many consume each channel.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::remote::PARTS;

/// How long a count is good for.
const FRESH: Duration = Duration::from_secs(1);

/// So many channels are remembered.
const REMEMBERED: usize = 10_000;

/// How many consume each of the channels that are put to, as the server last counted them. Those who are new hear of it
/// within a second.
#[derive(Debug, Default)]
pub(super) struct Crowds(HashMap<String, Crowd, foldhash::fast::RandomState>);

#[derive(Clone, Copy, Debug)]
struct Crowd {
    consumers: usize,
    counted: Instant,
}

impl Crowds {
    /// Into how many entries the calls to a channel that are under way are divided at least, and whether the server is to
    /// count anew.
    pub(super) fn parts(&self, base: &str, now: Instant) -> (usize, bool) {
        let crowd = self.0.get(base);
        let is_fresh = crowd.is_some_and(|crowd| now.saturating_duration_since(crowd.counted) < FRESH);
        let consumers = crowd.map(|crowd| crowd.consumers).filter(|consumers| *consumers > 0);
        (consumers.unwrap_or(PARTS), !is_fresh)
    }

    /// The server has counted.
    pub(super) fn counted(&mut self, base: &str, consumers: usize, now: Instant) {
        let crowd = Crowd { consumers, counted: now };
        if let Some(known) = self.0.get_mut(base) {
            *known = crowd;
            return;
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(base.to_owned(), crowd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_good_for_a_while() {
        let mut crowds = Crowds::default();
        let start = Instant::now();
        assert_eq!(crowds.parts("a", start), (PARTS, true), "nothing is known");
        crowds.counted("a", 1, start);
        assert_eq!(crowds.parts("a", start), (1, false));
        assert_eq!(crowds.parts("b", start), (PARTS, true));
        assert_eq!(crowds.parts("a", start + FRESH), (1, true), "it is what is known until it is counted anew");
        crowds.counted("a", 3, start + FRESH);
        assert_eq!(crowds.parts("a", start + FRESH), (3, false));
        crowds.counted("a", 0, start + FRESH);
        assert_eq!(crowds.parts("a", start + FRESH), (PARTS, false), "it is not known how many will come");
    }
}
