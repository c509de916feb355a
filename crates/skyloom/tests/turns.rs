//! A method's own timeout is for an execution, and not for the wait for its turn.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{Connection, InstanceClient, prelude::*, worker::Running};
use tokio::time::{Instant, sleep};

/// Which attempts have come to their end.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<Vec<u32>>>);

#[service(version = 1)]
impl Turns {
    /// Takes so many milliseconds, one after the other.
    #[handler(concurrency = 1, timeout = "2s")]
    async fn work(&self, ctx: Context, Json(millis): Json<u64>) -> Result<()> {
        sleep(Duration::from_millis(millis)).await;
        self.0.lock().unwrap().push(ctx.attempt());
        Ok(())
    }
}

const LONG: Duration = Duration::from_secs(60);

async fn start() -> (Running, TurnsClient, Turns) {
    let (connection, turns) = (Connection::memory(), Turns::default());
    let running = App::new().serve(turns.clone()).start(&connection).await.unwrap();
    (running, TurnsClient::new(connection.client()), turns)
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_has_its_whole_time_then() {
    let (_running, client, turns) = start().await;
    let calls: Vec<_> = (0..4).map(|_| tokio::spawn(client.work(Json(1_500)).timeout(LONG).into_future())).collect();
    for _ in 0..4 {
        client.work(Json(1_500)).cast(Duration::ZERO).await.unwrap();
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    sleep(LONG).await;
    assert_eq!(*turns.0.lock().unwrap(), [1; 8], "each is done, and once");
}

#[tokio::test(start_paused = true)]
async fn it_has_no_more_than_that() {
    let (_running, client, turns) = start().await;
    let first = tokio::spawn(client.work(Json(1_500)).timeout(LONG).into_future());
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let status = client.work(Json(10_000)).timeout(LONG).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() <= Duration::from_millis(3_502), "{:?}", begun.elapsed());
    first.await.unwrap().unwrap();
    assert_eq!(*turns.0.lock().unwrap(), [1]);
}

/// Which is what tells a handler that is slow from one that too many want.
#[tokio::test(start_paused = true)]
async fn what_is_counted_is_the_execution_without_its_wait() {
    let connection = Connection::memory();
    let running = App::new().serve(Turns::default()).start(&connection).await.unwrap();
    let client = TurnsClient::new(connection.client());
    let calls: Vec<_> = (0..4).map(|_| tokio::spawn(client.work(Json(1_000)).timeout(LONG).into_future())).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let stats = InstanceClient::new(connection.client(), running.instance()).stats().await.unwrap();
    let work = stats.methods.iter().find(|method| method.name == "turns.v1/Work").unwrap();
    assert_eq!(work.calls, 4);
    assert!(work.max_us < 1_500_000 && work.total_us < 4_500_000, "{work:?}");
}
