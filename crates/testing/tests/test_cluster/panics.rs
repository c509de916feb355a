//! Panics in fakes, which are the test's own failures, and in services, which are not.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use skyloom::prelude::*;
use skyloom_testing::{Cluster, Fault, TestCluster};

use crate::shop::{Charge, Orders, OrdersClient, Payments, PaymentsClient, Receipt, Watch, tea};

/// Orders whose payments insist on an amount of 7, and how often they were asked.
async fn insisting() -> (Cluster, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let (charged, reminded) = (Arc::clone(&asked), Arc::clone(&asked));
    let cluster = TestCluster::new()
        .with(Orders)
        .fake(PaymentsClient::CHARGE, move |Json(charge)| {
            charged.fetch_add(1, Relaxed);
            assert_eq!(charge.amount, 7, "what is charged");
            Ok(Json(Receipt { number: String::new() }))
        })
        .fake_with(PaymentsClient::REMIND, move |_, Json(charge)| {
            let reminded = Arc::clone(&reminded);
            async move {
                reminded.fetch_add(1, Relaxed);
                tokio::task::yield_now().await;
                assert_eq!(charge.amount, 7, "what is reminded of");
                Ok(Json::default())
            }
        })
        .start()
        .await;
    (cluster, asked)
}

/// What a test says that fails.
async fn said<T>(test: impl Future<Output = T>) -> String {
    let panic = AssertUnwindSafe(test).catch_unwind().await.map(drop).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

/// Has the fake fail where nobody is told of it.
async fn remind(cluster: &Cluster) {
    cluster.client::<OrdersClient>().remind(tea()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_700)).await;
}

#[track_caller]
fn is_told(text: &str) {
    assert!(text.contains("tests/test_cluster/panics.rs:"), "where it was noticed: {text}");
    assert!(text.contains("the fake of payments.v1 panicked in Remind: assertion `left == right` failed: "), "{text}");
    assert!(text.ends_with("what is reminded of\n  left: 30\n right: 7"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn idle_fails_with_a_fake_behind_a_cast_which_is_not_tried_again() {
    let (cluster, asked) = insisting().await;
    is_told(
        &said(async {
            remind(&cluster).await;
            cluster.idle().await
        })
        .await,
    );
    cluster.idle().await;
    assert_eq!(asked.load(Relaxed), 1);
    assert_eq!(cluster.casts(PaymentsClient::REMIND).only().attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn idle_does_not_wait_for_other_work() {
    let (cluster, _) = insisting().await;
    let _held = cluster.hold(OrdersClient::PLACE);
    let client = cluster.client::<OrdersClient>();
    tokio::spawn(client.place(tea()).into_future());
    is_told(
        &said(async {
            remind(&cluster).await;
            cluster.idle().await
        })
        .await,
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_the_test_asks_next_fails() {
    let (cluster, _) = insisting().await;
    remind(&cluster).await;
    is_told(&said(async { cluster.calls(OrdersClient::PLACE) }).await);
    remind(&cluster).await;
    is_told(&said(async { cluster.dead_letters(PaymentsClient::REMIND).await }).await);
    let mut hook = cluster.hook(PaymentsClient::REMIND);
    remind(&cluster).await;
    is_told(&said(hook.next()).await);
    remind(&cluster).await;
    is_told(&said(hook.next_success()).await);
    let mut hold = cluster.hold(PaymentsClient::CHARGE);
    remind(&cluster).await;
    is_told(&said(hold.next()).await);
    drop(hold);
    remind(&cluster).await;
    is_told(&said(cluster.stop()).await);
}

#[tokio::test(start_paused = true)]
async fn at_the_latest_the_end_of_the_test_fails() {
    let text = said(async {
        let (cluster, _) = insisting().await;
        remind(&cluster).await;
    })
    .await;
    assert!(text.starts_with("the fake of payments.v1 panicked in Remind: assertion"), "{text}");
    let text = said(async {
        let (cluster, _) = insisting().await;
        remind(&cluster).await;
        let reason = "of its own".to_owned();
        std::panic::panic_any(reason)
    })
    .await;
    assert_eq!(text, "of its own", "a test that fails already keeps its reason");
}

#[tokio::test]
async fn a_caller_is_told_at_once() {
    let (cluster, asked) = insisting().await;
    let status = cluster.client::<OrdersClient>().place(tea()).await.unwrap_err();
    let expected = "the fake of payments.v1 panicked in Charge: assertion `left == right` failed: what is charged";
    assert!(status.message().starts_with(expected), "{status}");
    assert_eq!(asked.load(Relaxed), 1);
    assert!(said(cluster.stop()).await.contains(expected));
}

#[tokio::test]
async fn the_stream_of_a_fake_is_a_part_of_it() {
    let cluster = TestCluster::new()
        .fake(OrdersClient::WATCH, |_| {
            let ticks = stream::iter([1, 2]).map(|amount| {
                assert!(amount < 2, "two is too many");
                Ok(Json(Charge { amount }))
            });
            Ok(Streaming::new(ticks))
        })
        .start()
        .await;
    let mut ticks = cluster.client::<OrdersClient>().watch(Json(Watch { times: 2 })).await.unwrap();
    assert_eq!(ticks.next().await.unwrap().unwrap().0.amount, 1);
    let status = ticks.next().await.unwrap().unwrap_err();
    assert_eq!(status.message(), "the fake of orders.v1 panicked in Watch: two is too many");
    assert!(said(cluster.idle()).await.ends_with(status.message()));
}

#[tokio::test]
async fn a_panic_that_the_test_wants_is_none_of_a_fake() {
    let receipt = |_| Ok(Json(Receipt { number: "again".to_owned() }));
    let cluster = TestCluster::new().fake(PaymentsClient::CHARGE, receipt).start().await;
    cluster.inject(PaymentsClient::CHARGE, Fault::Panic);
    let charge = Json(Charge { amount: 7 });
    assert_eq!(cluster.client::<PaymentsClient>().charge(charge.clone()).await.unwrap().0.number, "again");
    cluster.stop().await;

    let cluster = TestCluster::new().with(Payments::default()).start().await;
    cluster.inject(PaymentsClient::CHARGE, Fault::Panic);
    cluster.client::<PaymentsClient>().charge(charge).await.unwrap();
    cluster.stop().await;
}
