//! [`BusyPoll`]: staying awake for a moment after something has come.

mod patience;

mod poller;

pub use self::poller::{BusyPoll, set_busy_poll};
