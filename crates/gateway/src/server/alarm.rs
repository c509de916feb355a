//! The timer for the headers of a connection's requests.

#![allow(clippy::disallowed_types, reason = "hyper's timers are written with std's Instant")]

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use tokio::time;

/// The timer for the headers of a connection's requests.
///
/// hyper sets and drops a timer for each request. Behind those is a single one here, which is moved
/// only when it goes off before its time: a busy connection has it set once, not for each request. That
/// is exact as long as each deadline is later than the one before, which those of one connection are.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarm(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

/// Waits for a deadline of the connection.
struct Wait {
    alarm: Alarm,
    deadline: time::Instant,
}

impl Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { alarm: self.clone(), deadline: deadline.into() })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Nothing panics while it is locked.
        let mut alarm = self.alarm.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = alarm.get_or_insert_with(|| Box::pin(time::sleep_until(self.deadline)));
        loop {
            ready!(sleep.as_mut().poll(cx));
            if self.deadline <= time::Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(self.deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use hyper::rt::Timer as _;
    use tokio::time::{Instant, advance};

    use super::Alarm;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn each_deadline_is_kept_though_the_timer_was_set_for_an_earlier_one() {
        let alarm = Alarm::default();
        let begun = Instant::now();
        for _ in 0..25 {
            // A request's headers come in time.
            assert!(alarm.sleep(10 * SECOND).as_mut().now_or_never().is_none());
            advance(SECOND).await;
        }
        alarm.sleep(10 * SECOND).await;
        assert_eq!(begun.elapsed().as_secs(), 35);
        assert!(alarm.sleep(10 * SECOND).as_mut().now_or_never().is_none(), "the next has its full time");
    }
}
