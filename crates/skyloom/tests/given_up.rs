//! What a worker hears of a stream that nobody reads any more.

#![allow(clippy::unwrap_used)] // helpers of tests fail the test, too

use std::{sync::Arc, time::Duration};

use skyloom::{
    Channel, Codec, Connection, Envelope, Guid, Kind,
    broker::{ConsumeOptions, Consumer},
    client::Request,
};

async fn consume(connection: &Connection, channel: Channel) -> Consumer {
    connection.broker.consume(channel, ConsumeOptions::default()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_told_once_that_nobody_reads_a_stream_however_much_of_it_is_under_way() {
    let connection = Connection::memory();
    let (queue, instance): (Channel, Guid) = ("numbers.v1".parse().unwrap(), Guid::private());
    let mut calls = consume(&connection, queue.clone()).await;
    let mut words = consume(&connection, Channel::Instance(instance)).await;
    let client = connection.client();
    let request = Request::new(queue, "All", Codec::Json, "1".into());
    let opening = tokio::spawn(async move { client.stream(request).await });
    let delivery = calls.next().await.unwrap();
    let call = delivery.envelope().id;
    let send = |kind| {
        let partial =
            Envelope { origin: Some(instance), codec: Codec::Json, payload: "1".into(), ..Envelope::new(kind, call) };
        delivery.partial(Arc::new(partial))
    };
    send(Kind::Started).await.unwrap();
    let mut stream = opening.await.unwrap().unwrap();
    send(Kind::Partial).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    for _ in 0..50 {
        send(Kind::Partial).await.unwrap();
    }
    let word = words.next().await.unwrap();
    assert_eq!((word.envelope().kind, word.envelope().id), (Kind::Cancel, call));
    let another = tokio::time::timeout(Duration::from_millis(500), words.next()).await;
    assert!(another.is_err(), "{another:?}");
    // Whoever goes on for long has not heard it.
    tokio::time::advance(Duration::from_secs(1)).await;
    send(Kind::Partial).await.unwrap();
    assert_eq!(words.next().await.unwrap().envelope().kind, Kind::Cancel);
}
