//! Tells the engine that time has passed, when that matters.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Poll, ready},
    time::Duration,
};

use tokio::time::{self, Instant};

use super::hub::Hub;

/// The finest step of the runtime's timers. An engine that has work left asks for the present
/// moment; this lets everybody else have a turn first.
const STEP: Duration = Duration::from_millis(1);

/// Runs for ever; costs nothing while the engine waits for nothing.
pub(super) async fn run(hub: &Hub) {
    let mut sleep = pin!(time::sleep(STEP));
    let mut earliest = Instant::now();
    poll_fn(|cx| {
        loop {
            let Some(due) = hub.poll_alarm(cx.waker()) else {
                return Poll::Pending;
            };
            let due = due.max(earliest);
            if sleep.deadline() != due {
                sleep.as_mut().reset(due);
            }
            ready!(sleep.as_mut().poll(cx));
            hub.tick();
            earliest = Instant::now() + STEP;
        }
    })
    .await
}
