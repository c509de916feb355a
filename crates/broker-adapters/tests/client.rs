//! What a client's options bound, as its caller and its workers see it.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use skyloom_broker::engine::Limits;
use skyloom_broker_adapters::memory::MemoryBroker;
use skyloom_core::{
    Channel, Code, Codec, Envelope, Kind, Ledger, Outcome, QueueName, Status,
    broker::{Broker as _, ConsumeOptions, Consumer, Delivery, Settlement},
    client::{Client, ClientOptions, Request, RetryPolicy},
};
use tokio::time::Instant;

fn channel() -> Channel {
    Channel::Queue(QueueName::new("work.v1").expect("a valid queue"))
}

fn request(timeout: Duration) -> Request {
    let mut request = Request::new(channel(), "Work", Codec::default(), Default::default());
    request.timeout = Some(timeout);
    request
}

/// A client with these options, and who takes its calls.
async fn pair(options: ClientOptions) -> (Client, Consumer) {
    let broker = MemoryBroker::new(Limits::default());
    let consumer = broker.consume(channel(), ConsumeOptions::default()).await.expect("it is accepted");
    (Client::with_options(Arc::new(broker), options), consumer)
}

async fn answer(delivery: Delivery, status: Option<Status>) {
    let request = delivery.envelope();
    let reply = Envelope { status, ledger: request.ledger, ..Envelope::new(Kind::Reply, request.id) };
    delivery.settle(Settlement::Reply(Arc::new(reply))).await.expect("its lease goes on");
}

/// Answers every attempt with `Unavailable`, and counts them.
fn refuse_all(mut consumer: Consumer) -> Arc<AtomicU32> {
    let attempts = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&attempts);
    tokio::spawn(async move {
        while let Some(delivery) = consumer.next().await {
            counted.fetch_add(1, Relaxed);
            answer(delivery, Some(Status::unavailable("busy"))).await;
        }
    });
    attempts
}

#[tokio::test(start_paused = true)]
async fn no_call_takes_longer_than_the_client_allows() {
    let options = ClientOptions { max_timeout: Duration::from_secs(2), ..ClientOptions::default() };
    let (client, _consumer) = pair(options).await;
    let begun = Instant::now();
    let status = client.call(request(Duration::from_secs(3600))).await.expect_err("nobody answers");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() <= Duration::from_millis(2_001), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_worker_has_a_little_less_time_than_the_caller() {
    let (client, mut consumer) = pair(ClientOptions::default()).await;
    for (timeout, left) in [(10_000, 9_975), (400, 375), (160, 150), (16, 15)] {
        let mut call = pin!(client.call(request(Duration::from_millis(timeout))));
        assert!(call.as_mut().now_or_never().is_none());
        let delivery = consumer.next().await.expect("the call");
        assert_eq!(delivery.envelope().budget, Some(Duration::from_millis(left)));
        answer(delivery, None).await;
        call.await.expect("an answer");
    }
    let status = client.call(request(Duration::ZERO)).await.expect_err("there is no time");
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::NotStarted));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_again_after_a_pause_with_what_is_left_and_not_for_ever() {
    let retry = RetryPolicy { base: Duration::from_secs(5), cap: Duration::from_secs(5), ..RetryPolicy::default() };
    let (client, mut consumer) = pair(ClientOptions { retry, ..ClientOptions::default() }).await;
    let call = tokio::spawn(async move {
        let mut request = request(Duration::from_secs(60));
        request.idempotent = true;
        client.call(request).await
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        let delivery = consumer.next().await.expect("an attempt");
        let envelope = delivery.envelope();
        seen.push((envelope.id, envelope.budget.expect("it has a deadline"), envelope.ledger));
        answer(delivery, Some(Status::unavailable("busy"))).await;
    }
    let status = call.await.expect("no panic").expect_err("it was refused three times");
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "busy"));
    assert_eq!(status.ledger(), Ledger { sends: 3, receives: 3, settles: 0, retries: 2 });
    assert!(seen.iter().all(|(id, ..)| *id == seen[0].0), "it is the same call");
    assert!(seen.is_sorted_by(|(_, before, _), (_, after, _)| before > after), "{seen:?}");
    let retries: Vec<u32> = seen.iter().map(|(.., ledger)| ledger.retries).collect();
    assert_eq!(retries, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_nobody_answers_ends_with_the_call() {
    let retry = RetryPolicy { base: Duration::from_secs(5), cap: Duration::from_secs(5), ..RetryPolicy::default() };
    let (client, mut consumer) = pair(ClientOptions { retry, ..ClientOptions::default() }).await;
    let begun = Instant::now();
    let mut call = pin!(async {
        let mut request = request(Duration::from_secs(20));
        request.idempotent = true;
        client.call(request).await
    });
    assert!(call.as_mut().now_or_never().is_none());
    answer(consumer.next().await.expect("the call"), Some(Status::unavailable("busy"))).await;
    // Another runs out of time during the pause before the second attempt, and with it no call is left that has a deadline.
    let mut other = pin!(client.call(request(Duration::from_millis(1))));
    assert!(other.as_mut().now_or_never().is_none());
    let status = tokio::time::timeout(Duration::from_secs(60), call).await.expect("it ends").expect_err("no answer");
    assert_eq!((status.code(), status.outcome()), (Code::DeadlineExceeded, Outcome::Unknown), "{status}");
    assert_eq!(status.ledger().sends, 2, "{status}");
    assert!(begun.elapsed() <= Duration::from_millis(20_001), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_last_attempt_that_was_not_started_does_not_undo_the_one_before() {
    let retry = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let (client, mut consumer) = pair(ClientOptions { retry, ..ClientOptions::default() }).await;
    let call = tokio::spawn(async move {
        let mut request = request(Duration::from_secs(60));
        request.idempotent = true;
        client.call(request).await
    });
    let lost = Status::aborted("the worker was lost").with_outcome(Outcome::Unknown);
    for status in [lost, Status::unavailable("closed").with_outcome(Outcome::NotStarted)] {
        answer(consumer.next().await.expect("an attempt"), Some(status)).await;
    }
    let status = call.await.expect("no panic").expect_err("both have failed");
    assert_eq!((status.message(), status.outcome()), ("closed", Outcome::Unknown), "{status}");
}

#[tokio::test(start_paused = true)]
async fn all_calls_of_a_client_together_are_tried_again_as_often_as_its_budget_says() {
    for (budget, retries) in [(0.0, 10), (1.0, 30)] {
        let retry = RetryPolicy { attempts: 2, budget, ..RetryPolicy::default() };
        let (client, consumer) = pair(ClientOptions { retry, ..ClientOptions::default() }).await;
        let attempts = refuse_all(consumer);
        for _ in 0..30 {
            let mut request = request(Duration::from_secs(60));
            request.idempotent = true;
            client.call(request).await.expect_err("it is refused");
        }
        assert_eq!(attempts.load(Relaxed), 30 + retries, "with a budget of {budget}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_has_so_many_calls_under_way_and_each_that_ends_makes_room() {
    let (client, mut consumer) = pair(ClientOptions { max_pending: 1, ..ClientOptions::default() }).await;
    let call = || client.call(request(Duration::from_secs(5)));
    for ends in ["by its reply", "by an error", "because nobody waits for it any more"] {
        let mut first = Box::pin(call());
        assert!(first.as_mut().now_or_never().is_none());
        let status = call().await.expect_err("there is no room");
        assert_eq!((status.code(), status.outcome()), (Code::ResourceExhausted, Outcome::NotStarted), "{ends}");
        let delivery = consumer.next().await.expect("the first");
        if ends == "by its reply" {
            answer(delivery, None).await;
            first.await.expect("an answer");
        } else if ends == "by an error" {
            answer(delivery, Some(Status::internal("no"))).await;
            first.await.expect_err("an error");
        } else {
            drop(first);
        }
    }
    assert!(call().now_or_never().is_none(), "it is sent");
}
