//! Services that are not in the cluster.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use skyloom::{App, Outcome, Settings, prelude::*};
use skyloom_testing::TestCluster;
use tokio::time::Instant;

use crate::shop::{Charge, Orders, OrdersClient, Payments, PaymentsClient, tea};

const NOBODY: &str = "nobody serves payments.v1 in this cluster: add its service with .with(...), or fake it with \
                      .fake(...); what comes only later is announced with .later(...)";

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_serves_fails_at_once_and_says_what_to_do() {
    let cluster = TestCluster::new().with(Orders).start().await;
    let began = Instant::now();
    let status = cluster.client::<OrdersClient>().place(tea()).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, &*format!("the broker refused: {NOBODY}"))
    );
    let status = cluster.client::<PaymentsClient>().charge(Json(Charge { amount: 7 })).await.unwrap_err();
    assert_eq!(status.outcome(), Outcome::NotStarted);
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for the call's time to run out");
    let calls = cluster.calls(PaymentsClient::CHARGE);
    assert!(calls.assert_count(2).iter().all(|call| call.refused().is_some_and(|why| why.contains(NOBODY))));
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_nobody_serves_is_seen_and_idle_says_that_it_waits() {
    let cluster = TestCluster::new().with(Orders).start().await;
    cluster.client::<OrdersClient>().remind(tea()).await.unwrap();
    assert_eq!(cluster.casts(PaymentsClient::REMIND).requests(), [Json(Charge { amount: 30 })]);
    let began = Instant::now();
    let panic = AssertUnwindSafe(cluster.idle()).catch_unwind().await.unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    let left = "work is left: payments.v1 has 0 waiting, 1 held back, 0 with workers; ";
    assert!(text.ends_with(&format!("{left}{NOBODY}")), "{text}");
    assert!(began.elapsed() < Duration::from_secs(1), "nobody can do it");
    cluster.add(Payments::default()).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    cluster.idle().await;
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_service_that_comes_later() {
    let cluster = TestCluster::new().later(PaymentsClient::CHARGE).start().await;
    let client = cluster.client::<PaymentsClient>();
    let call = tokio::spawn(client.charge(Json(Charge { amount: 7 })).into_future());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!call.is_finished());
    cluster.add(Payments::default()).await;
    assert_eq!(call.await.unwrap().unwrap().0.number, "r-7");
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_service_that_was_there() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    cluster.lose_worker(PaymentsClient::CHARGE);
    let client = cluster.client::<PaymentsClient>();
    let call = client.charge(Json(Charge { amount: 7 })).timeout(Duration::from_secs(60));
    assert_eq!(call.await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn whoever_serves_on_the_clusters_connection_is_there() {
    let cluster = TestCluster::new().start().await;
    let app = App::with_settings(Settings::default()).serve(Payments::default());
    let running = app.start(cluster.connection()).await.unwrap();
    cluster.client::<PaymentsClient>().charge(Json(Charge { amount: 7 })).await.unwrap();
    running.drain().await;
}
