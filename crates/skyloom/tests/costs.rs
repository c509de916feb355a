//! What a call has cost is on its ledger once, by whichever way its handler did it.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use skyloom::{Channel, Codec, Connection, Ledger, TopicName, client::Request, prelude::*, worker::Running};

#[derive(Clone, Default)]
struct Costs(Arc<AtomicU32>);

#[service(version = 1)]
impl Costs {
    #[handler]
    async fn nothing(&self) -> Result<()> {
        Ok(())
    }

    #[handler]
    async fn casts(&self, ctx: Context) -> Result<()> {
        CostsClient::new(ctx.client()).nothing().cast(Duration::ZERO).await
    }

    #[handler]
    async fn publishes(&self, ctx: Context) -> Result<()> {
        ctx.client().publish(&TopicName::new("costs.told").unwrap(), Json(1)).await
    }

    #[handler]
    async fn streams(&self) -> Result<Streaming<Json<u32>>> {
        Ok(Streaming::from_messages([1, 2, 3].map(Json)))
    }

    /// Calls before it streams.
    #[handler]
    async fn calls_and_streams(&self, ctx: Context) -> Result<Streaming<Json<u32>>> {
        CostsClient::new(ctx.client()).nothing().await?;
        self.streams().await
    }

    /// Reads a stream to its end.
    #[handler]
    async fn reads(&self, ctx: Context) -> Result<()> {
        let mut numbers = CostsClient::new(ctx.client()).streams().await?;
        while numbers.next().await.transpose()?.is_some() {}
        Ok(())
    }

    /// Reads one message of a stream, and lets it go.
    #[handler]
    async fn reads_one(&self, ctx: Context) -> Result<()> {
        CostsClient::new(ctx.client()).streams().await?.next().await.transpose().map(drop)
    }

    #[handler]
    async fn calls_and_fails(&self, ctx: Context) -> Result<()> {
        CostsClient::new(ctx.client()).nothing().await?;
        Err(Status::failed_precondition("not today"))
    }

    #[handler]
    async fn adds(&self, ctx: Context) -> Result<()> {
        ctx.add_to_ledger(Ledger { sends: 10, receives: 20, ..Ledger::default() });
        Ok(())
    }

    /// Is lost the first time.
    #[handler]
    async fn panics(&self) -> Result<()> {
        assert!(self.0.fetch_add(1, SeqCst) > 0, "on purpose");
        Ok(())
    }
}

async fn start() -> (Connection, Running) {
    let connection = Connection::memory();
    let running = App::new().serve(Costs::default()).start(&connection).await.unwrap();
    (connection, running)
}

fn request(method: &'static str) -> Request {
    Request::new("costs.v1".parse::<Channel>().unwrap(), method, Codec::Json, "{}".into())
}

const fn ledger([sends, receives, settles, retries]: [u32; 4]) -> Ledger {
    Ledger { sends, receives, settles, retries }
}

/// The request and its reply.
const CALL: Ledger = ledger([1, 2, 1, 0]);

/// The request, that the stream has started, its three messages and its end.
const STREAM: Ledger = ledger([5, 6, 1, 0]);

#[tokio::test]
async fn each_is_counted_once() {
    let (connection, _running) = start().await;
    let client = connection.client();
    let one_way = ledger([1, 0, 0, 0]);
    // Of the stream that it let go, it has received that it has started and one message.
    let one_message = ledger([1, 2, 0, 0]);
    for (method, handler) in [
        ("Nothing", Ledger::default()),
        ("Casts", one_way),
        ("Publishes", one_way),
        ("Reads", STREAM),
        ("ReadsOne", one_message),
        ("Adds", ledger([10, 20, 0, 0])),
    ] {
        let response = client.call(request(method)).await.unwrap();
        assert_eq!(response.ledger, CALL.merge(handler), "{method}");
        assert_eq!(response.attempt, 1);
    }
    let status = client.call(request("CallsAndFails")).await.unwrap_err();
    assert_eq!((status.message(), status.ledger()), ("not today", CALL.merge(CALL)));
}

#[tokio::test]
async fn a_stream_has_its_ledger_at_its_end() {
    let (connection, _running) = start().await;
    for (method, handler) in [("Streams", Ledger::default()), ("CallsAndStreams", CALL)] {
        let mut numbers = connection.client().stream(request(method)).await.unwrap();
        for _ in 0..3 {
            numbers.next().await.unwrap().unwrap();
        }
        assert!(numbers.next().await.is_none());
        assert_eq!(numbers.ledger(), STREAM.merge(handler), "{method}");
    }
}

#[tokio::test]
async fn a_second_delivery_is_a_retry() {
    let (connection, _running) = start().await;
    let response = connection.client().call(request("Panics")).await.unwrap();
    assert_eq!((response.ledger, response.attempt), (ledger([1, 2, 1, 1]), 2));
}
