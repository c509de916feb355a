//! What a caller is told whose time runs out after an attempt that may have done its work, and what is not begun for it.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use skyloom::{
    Channel, Connection, Envelope, Kind, Outcome,
    broker::{ConsumeOptions, Consumer, Delivery, Settlement},
    prelude::*,
};

/// A service that does one thing at a time.
struct Narrow;

#[service(version = 1)]
impl Narrow {
    #[handler(concurrency = 1, idempotent)]
    async fn sleep(&self, Json(seconds): Json<u64>) -> Result<()> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }
}

/// A service that counts what it does.
#[derive(Clone, Default)]
struct Quick(Arc<AtomicU32>);

#[service(version = 1)]
impl Quick {
    #[handler]
    async fn count(&self) -> Result<()> {
        self.0.fetch_add(1, SeqCst);
        Ok(())
    }

    #[handler(concurrency = 1)]
    async fn count_in_turn(&self) -> Result<()> {
        self.count().await
    }
}

/// A worker of the same queue that is the test's own.
async fn own_worker(connection: &Connection) -> Consumer {
    let channel: Channel = "narrow.v1".parse().unwrap();
    connection.broker.consume(channel, ConsumeOptions::default()).await.unwrap()
}

/// Makes a call and takes it.
async fn taken(
    connection: &Connection,
    worker: &mut Consumer,
    timeout: Duration,
) -> (tokio::task::JoinHandle<Result<()>>, Delivery) {
    let client = NarrowClient::new(connection.client());
    let calling = tokio::spawn(async move { client.sleep(Json(0)).timeout(timeout).await.map(drop) });
    let delivery = worker.next().await.unwrap();
    assert_eq!(delivery.attempt(), 1);
    (calling, delivery)
}

/// Lets everybody go on until they wait for time.
async fn settled() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_that_finds_no_slot_in_time_does_not_say_that_the_first_was_not_made() {
    let connection = Connection::memory();
    let mut worker = own_worker(&connection).await;
    let (calling, first) = taken(&connection, &mut worker, Duration::from_secs(5)).await;
    worker.stop().await.unwrap();
    let _running = App::new().serve(Narrow).start(&connection).await.unwrap();
    let client = NarrowClient::new(connection.client());
    let busy = tokio::spawn(client.sleep(Json(60)).timeout(Duration::from_secs(90)).into_future());
    settled().await;
    let unstarted = tokio::spawn(client.sleep(Json(0)).timeout(Duration::from_secs(5)).into_future());
    let (delay, reason) = (Duration::ZERO, "it was lost on the way".to_owned());
    first.settle(Settlement::Retry { delay, reason }).await.unwrap();
    let status = calling.await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown), "{status}");
    assert!(status.message().contains("attempt 2"), "{status}");
    let status = unstarted.await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::NotStarted), "{status}");
    busy.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_wakes_too_late_for_another_attempt_hears_how_the_last_one_ended() {
    let connection = Connection::memory();
    let mut worker = own_worker(&connection).await;
    let (calling, first) = taken(&connection, &mut worker, Duration::from_secs(5)).await;
    let lost = Status::aborted("the worker was lost").with_outcome(Outcome::Unknown);
    let reply = Envelope { status: Some(lost), ..Envelope::new(Kind::Reply, first.envelope().id) };
    first.settle(Settlement::Reply(Arc::new(reply))).await.unwrap();
    settled().await;
    // As if the process had been stopped in its pause before the second attempt.
    tokio::time::advance(Duration::from_secs(60)).await;
    let status = calling.await.unwrap().unwrap_err();
    assert_eq!((status.message(), status.outcome()), ("the worker was lost", Outcome::Unknown));
    assert_eq!((status.ledger().sends, status.ledger().retries), (1, 0), "what it has cost is counted");
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_finds_too_late_is_not_begun() {
    let (connection, quick) = (Connection::memory(), Quick::default());
    let _running = App::new().serve(quick.clone()).start(&connection).await.unwrap();
    let client = QuickClient::new(connection.client());
    client.count().await.unwrap();
    client.count_in_turn().await.unwrap();
    for call in [client.count(), client.count_in_turn()] {
        let mut call = Box::pin(call.timeout(Duration::from_secs(5)).into_future());
        // It is sent, and given to the worker, whose task does not run before all this time has passed.
        assert!(poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(call.await.unwrap_err().code(), Code::DeadlineExceeded);
        settled().await;
    }
    assert_eq!(quick.0.load(SeqCst), 2);
}
