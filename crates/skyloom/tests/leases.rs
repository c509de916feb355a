//! What takes longer than its lease stays with its worker: a handler, one that waits for its turn, a stream.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{sync::Arc, time::Duration};

use skyloom::{
    Connection,
    client::ClientOptions,
    prelude::*,
    worker::{Running, Server, WorkerOptions},
};
use tokio::time::{Instant, sleep};

const LEASE: Duration = Duration::from_secs(3);

const LONG: Duration = Duration::from_secs(600);

struct Patient;

#[service(version = 1)]
impl Patient {
    /// Takes so many seconds, and says which attempt it was.
    #[handler]
    async fn work(&self, ctx: Context, Json(seconds): Json<u64>) -> Result<Json<u32>> {
        sleep(Duration::from_secs(seconds)).await;
        Ok(Json(ctx.attempt()))
    }

    /// The same, one after the other.
    #[handler(concurrency = 1)]
    async fn queue(&self, ctx: Context, seconds: Json<u64>) -> Result<Json<u32>> {
        self.work(ctx, seconds).await
    }

    /// The same in a stream, after a first message.
    #[handler]
    async fn stream(&self, ctx: Context, Json(seconds): Json<u64>) -> Result<Streaming<Json<u32>>> {
        let (sender, attempts) = Streaming::channel(1);
        tokio::spawn(async move {
            for _ in 0..2 {
                if sender.send(Json(ctx.attempt())).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(seconds)).await;
            }
        });
        Ok(attempts)
    }
}

/// Two instances: what one loses, the other has.
async fn start() -> (PatientClient, Vec<Running>) {
    let connection = Connection::memory();
    let options = WorkerOptions { lease: LEASE, ..WorkerOptions::default() };
    let mut running = Vec::new();
    for _ in 0..2 {
        let broker = Arc::clone(&connection.broker);
        let server = Server::with_options(broker, options.clone(), ClientOptions::default());
        running.push(server.serve(Patient).start().await.unwrap());
    }
    let options = ClientOptions { max_timeout: LONG, ..ClientOptions::default() };
    (PatientClient::new(skyloom::Client::with_options(Arc::clone(&connection.broker), options)), running)
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_longer_keeps_its_work() {
    let (client, _running) = start().await;
    let begun = Instant::now();
    assert_eq!(client.work(Json(60)).timeout(LONG).await.unwrap().0, 1);
    assert!(begun.elapsed() < Duration::from_secs(61));
}

#[tokio::test(start_paused = true)]
async fn what_waits_longer_for_its_turn_is_not_tried_twice() {
    let (client, _running) = start().await;
    let calls: Vec<_> = (0..6).map(|_| tokio::spawn(client.queue(Json(20)).timeout(LONG).into_future())).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_longer_is_not_begun_anew() {
    let (client, _running) = start().await;
    let mut stream = client.stream(Json(60)).timeout(LONG).await.unwrap();
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap().unwrap().0, 1);
    }
    assert!(stream.next().await.is_none());
}
