//! How much room a queue has, about.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// How long a count is good for.
const FRESH: Duration = Duration::from_secs(1);

/// How long a queue that was full counts as full without being asked again.
const FULL: Duration = Duration::from_millis(20);

/// How many queues are remembered.
const QUEUES: usize = 10_000;

/// The room of the queues that are put to: what the server counted, less what was put since.
#[derive(Debug, Default)]
pub(super) struct Rooms(HashMap<String, Room>);

#[derive(Debug)]
struct Room {
    left: usize,
    workers: Option<usize>,
    counted: Instant,
    asked: bool,
}

/// What to do with a message for a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it.
    Go,
    /// Send it, and have the server count.
    GoAndCount,
    /// Keep it until the server has counted, which it was asked to.
    Wait,
    /// Keep it, and have the server count.
    WaitAndCount,
    /// Refuse it.
    Full,
}

impl Rooms {
    /// Takes room for one message.
    pub(super) fn take(&mut self, tube: &str, now: Instant) -> Verdict {
        let Some(room) = self.0.get_mut(tube) else {
            if self.0.len() >= QUEUES {
                self.0.clear();
            }
            self.0.insert(tube.to_owned(), Room { left: 0, workers: None, counted: now, asked: true });
            return Verdict::WaitAndCount;
        };
        let age = now.saturating_duration_since(room.counted);
        let count = !room.asked && age >= if room.left > 0 { FRESH } else { FULL };
        room.asked |= count;
        match (room.left, count) {
            (0, true) => Verdict::WaitAndCount,
            (0, false) if room.asked => Verdict::Wait,
            (0, false) => Verdict::Full,
            (_, count) => {
                room.left -= 1;
                if count { Verdict::GoAndCount } else { Verdict::Go }
            }
        }
    }

    /// The server has counted: so much room is left, and so many take from the queue.
    pub(super) fn counted(&mut self, tube: &str, left: usize, workers: usize, now: Instant) {
        if let Some(room) = self.0.get_mut(tube) {
            *room = Room { left, workers: Some(workers), counted: now, asked: false };
        }
    }

    /// How many took from a queue when the server last counted.
    pub(super) fn workers(&self, tube: &str) -> Option<usize> {
        self.0.get(tube)?.workers
    }

    /// Nothing is known any more.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_takes_room_until_the_server_counts_again() {
        let mut rooms = Rooms::default();
        let start = Instant::now();
        assert_eq!(rooms.take("a", start), Verdict::WaitAndCount);
        assert_eq!(rooms.take("a", start), Verdict::Wait);
        rooms.counted("a", 2, 3, start);
        assert_eq!((rooms.workers("a"), rooms.workers("b")), (Some(3), None));
        assert_eq!([(); 3].map(|()| rooms.take("a", start)), [Verdict::Go, Verdict::Go, Verdict::Full]);
        assert_eq!(rooms.take("a", start + FULL), Verdict::WaitAndCount);
        rooms.counted("a", 5, 0, start);
        assert_eq!(rooms.take("a", start + FRESH), Verdict::GoAndCount);
        assert_eq!(rooms.take("a", start + FRESH), Verdict::Go);
        rooms.forget();
        assert_eq!(rooms.take("a", start), Verdict::WaitAndCount);
    }
}
