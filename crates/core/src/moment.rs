//! One look at the clock for a stretch of work that does not wait.

use std::{cell::Cell, marker::PhantomData};

use tokio::time::Instant;

thread_local! {
    static HELD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// While it lives, [`Moment::now`] on this thread gives the time that it was made for. Looking at
/// the clock is among the dearest things on the way of a call, and what happens in one go, from the
/// client through a broker in memory, happens at one time.
///
/// It cannot be kept over an `await`: it is not `Send`. Nothing of an author's runs while it lives.
#[derive(Debug)]
pub struct Moment {
    before: Option<Instant>,
    on_this_thread: PhantomData<*const ()>,
}

impl Moment {
    /// Holds this time, which was read just now.
    #[inline]
    #[must_use]
    pub fn hold(now: Instant) -> Self {
        Self { before: HELD.replace(Some(now)), on_this_thread: PhantomData }
    }

    /// The time that is held, or else what the clock says.
    #[inline]
    #[must_use]
    pub fn now() -> Instant {
        HELD.get().unwrap_or_else(Instant::now)
    }
}

impl Drop for Moment {
    #[inline]
    fn drop(&mut self) {
        HELD.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Moment;

    #[test]
    fn it_is_held_until_it_is_dropped() {
        let early = Instant::now();
        let later = early + Duration::from_secs(3600);
        let outer = Moment::hold(early);
        let inner = Moment::hold(later);
        assert_eq!(Moment::now(), later);
        drop(inner);
        assert_eq!(Moment::now(), early);
        drop(outer);
        assert!(Moment::now() < later, "the clock's own time again");
    }
}
