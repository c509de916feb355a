//! What is in an envelope arrives as it was sent.

use std::time::Duration;

use bytes::Bytes;
use skyloom_core::{
    Codec, Detail, Envelope, Extras, Guid, Headers, Kind, Ledger, MAX_NAME, Outcome, Status, TraceContext,
    broker::{ConsumeOptions, EnqueueOptions, Settlement},
};

use crate::conformance::{
    Fixture,
    kit::{accepted, answer, consume, inbox, next, put, queue, take, work},
};

/// A mebibyte of every byte there is, in both directions.
pub async fn a_large_binary_payload_survives<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("blob.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&broker).await;
    let blob: Bytes = (0..=255u8).cycle().take(1 << 20).collect::<Vec<u8>>().into();
    let request = Envelope { payload: blob.clone(), ..crate::conformance::kit::call(&inbox, 0) };
    accepted("enqueue", broker.enqueue(&channel, request.into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    assert!(delivery.envelope().payload == blob, "the request arrives as it was sent");
    let answered = Envelope { id: delivery.envelope().id, kind: Kind::Reply, payload: blob.clone(), ..work(0) };
    accepted("reply", delivery.settle(Settlement::Reply(answered.into()))).await;
    assert!(answer(&probe).await.payload == blob, "the reply arrives as it was sent");
}

/// Every field, and those of a later version that this one does not know.
pub async fn every_field_of_an_envelope_survives<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let channel = queue("fields.v1");
    let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
    let (probe, inbox) = inbox(&broker).await;
    let mut request = crate::conformance::kit::call(&inbox, 1);
    request.codec = Codec::Json;
    request.method = "Hello".into();
    let mut headers = Headers::new();
    headers.push("x-note", "grüße".to_owned());
    headers.push("x-note", "again");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse::<TraceContext>().ok();
    assert!(trace.is_some(), "the trace is well-formed");
    request.ledger = Ledger { sends: 1, receives: 2, settles: 3, retries: 4 };
    // Field 1000, a varint of 5, as a later version might add.
    let unknown = Bytes::from_static(&[0xc0, 0x3e, 0x05]);
    let extras = Extras::new().with_headers(headers).with_trace(trace);
    request.extras = extras.with_principal(Some("ada".into())).with_unknown(unknown.clone());
    accepted("enqueue", broker.enqueue(&channel, request.clone().into(), EnqueueOptions::default())).await;
    let delivery = next(&mut consumer).await;
    let arrived = Envelope { budget: request.budget, ..Envelope::clone(delivery.envelope()) };
    assert_eq!(arrived, request);

    let status = Status::not_found("no such link")
        .with_outcome(Outcome::Known)
        .with_retry_after(Duration::from_secs(3))
        .with_detail("type.example/Hint", Bytes::from_static(b"\x08\x01"));
    assert_eq!(status.details().iter().map(|detail: &Detail| detail.value.len()).sum::<usize>(), 2);
    let answered = Envelope {
        origin: Some(Guid::private()),
        attempt: 2,
        status: Some(status),
        extras: Extras::new().with_unknown(unknown),
        ..Envelope::new(Kind::Reply, request.id)
    };
    accepted("reply", delivery.settle(Settlement::Reply(answered.clone().into()))).await;
    assert_eq!(answer(&probe).await, answered);
}

/// Every character that a name may have, and its greatest length.
pub async fn every_valid_name_is_a_queue<F: Fixture>(fixture: F) {
    let broker = fixture.connect().await.broker;
    let names = ["a", "0", "abcdefghijklmnopqrstuvwxyz0123456789._-", "a.b-c_d.v1", &"x".repeat(MAX_NAME)];
    for (n, name) in (0..).zip(names) {
        let channel = queue(name);
        put(&broker, &channel, [n]).await;
        let mut consumer = consume(&broker, &channel, ConsumeOptions::default()).await;
        assert_eq!(take(&mut consumer).await, n, "{name}");
    }
}
