//! [`Stall`]: whether this process has stood still, and how old what it reads may therefore be.

use std::time::Duration;

use tokio::time::Instant;

/// A driver that has not run for so long has stood still: the process was stopped, its machine suspended, or a
/// handler has blocked it. It wakes twice as often at least.
const STALLED: Duration = Duration::from_secs(1);

/// When the driver of a connection ran, and what may have waited while it did not.
///
/// What the broker had sent by then is read afterwards as if it were new. It ends where the answer to a ping is
/// that was sent when the driver ran again.
pub(super) struct Stall {
    ran: Instant,
    /// Pings that are not answered yet.
    pings: u32,
    late: Option<Late>,
}

/// What comes before so many answers may have waited since then.
struct Late {
    since: Instant,
    answers: u32,
}

impl Stall {
    pub(super) const fn new(now: Instant) -> Self {
        Self { ran: now, pings: 0, late: None }
    }

    /// Notes that the driver runs; says since when it has not, if it has stood still.
    pub(super) fn runs(&mut self, now: Instant) -> Option<Instant> {
        let before = std::mem::replace(&mut self.ran, now);
        (now.saturating_duration_since(before) > STALLED).then_some(before)
    }

    /// Notes that a ping is on its way to the broker.
    pub(super) const fn pinged(&mut self) {
        self.pings = self.pings.saturating_add(1);
    }

    /// Notes that the driver has stood still since then, and that the newest ping was sent after that.
    pub(super) fn stood_still(&mut self, since: Instant) {
        let since = self.late.as_ref().map_or(since, |late| late.since);
        self.late = Some(Late { since, answers: self.pings });
    }

    /// Notes that the broker has answered a ping.
    pub(super) fn ponged(&mut self) {
        self.pings = self.pings.saturating_sub(1);
        if let Some(late) = &mut self.late {
            late.answers = late.answers.saturating_sub(1);
        }
        self.late.take_if(|late| late.answers == 0);
    }

    /// When what is read now may have come.
    pub(super) fn came(&self, now: Instant) -> Instant {
        self.late.as_ref().map_or(now, |late| late.since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{STALLED, Stall};

    #[test]
    fn what_comes_before_the_answer_to_the_last_ping_may_be_as_old_as_the_stall() {
        let start = Instant::now();
        let mut stall = Stall::new(start);
        let soon = start + STALLED;
        assert_eq!(stall.runs(soon), None);
        // It was sent before the process stood still, and so its answer says nothing.
        stall.pinged();
        let later = soon + Duration::from_secs(4);
        assert_eq!(stall.runs(later), Some(soon));
        stall.pinged();
        stall.stood_still(soon);
        assert_eq!(stall.came(later), soon);
        stall.ponged();
        assert_eq!(stall.came(later), soon);
        stall.ponged();
        assert_eq!(stall.came(later), later);
        assert_eq!(stall.runs(later), None);
    }

    #[test]
    fn of_two_stalls_the_earlier_counts_until_the_ping_after_the_later_is_answered() {
        let start = Instant::now();
        let mut stall = Stall::new(start);
        let mut now = start;
        for _ in 0..2 {
            now += STALLED * 2;
            let since = stall.runs(now).unwrap();
            stall.pinged();
            stall.stood_still(since);
        }
        stall.ponged();
        assert_eq!(stall.came(now), start);
        stall.ponged();
        assert_eq!(stall.came(now), now);
    }
}
