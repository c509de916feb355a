//! [`Caller`]: one of those who call at once, and the client's process that they are in.

use std::time::Duration;

use skyloom_testing::figures::{orders, rate, ready};
use tokio::{runtime::Builder, task::JoinSet, time::Instant};

/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(700);

/// One of those who call at once: it makes one call after the other.
pub(crate) trait Caller: Sized + Send + 'static {
    /// So many callers, who share a connection if their pattern allows it.
    async fn connect(address: &str, count: usize) -> Vec<Self>;

    /// Sends a request, and returns when its reply is there.
    fn call(&mut self) -> impl Future<Output = ()> + Send;
}

/// The role of a client: plays a round whenever it is told to, and answers how many calls it made in a second.
pub(crate) fn play<C: Caller>(address: &str, count: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut callers = C::connect(address, count).await;
        let mut orders = orders();
        ready("client");
        while orders.recv().await.is_some() {
            ready(&round(&mut callers).await.to_string());
        }
    });
}

async fn round<C: Caller>(callers: &mut Vec<C>) -> f64 {
    let start = Instant::now();
    let mut busy = JoinSet::new();
    for mut caller in callers.drain(..) {
        busy.spawn(async move {
            let mut calls = 0;
            while start.elapsed() < ROUND {
                caller.call().await;
                calls += 1;
            }
            (caller, calls)
        });
    }
    let mut total = 0;
    for (caller, calls) in busy.join_all().await {
        callers.push(caller);
        total += calls;
    }
    rate(total, start.elapsed())
}
