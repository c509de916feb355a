//! Faults that no execution has met.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use skyloom::prelude::*;
use skyloom_testing::{Cluster, Fault, TestCluster};

use crate::shop::{Charge, Payments, PaymentsClient, ordered};

/// What a test says that fails.
async fn said<T>(test: impl Future<Output = T>) -> String {
    let panic = AssertUnwindSafe(test).catch_unwind().await.map(drop).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

/// Has a charge, and then a fault that comes too late for it.
async fn too_late(fault: Fault) -> Cluster {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    cluster.client::<PaymentsClient>().charge(Json(Charge { amount: 30 })).await.unwrap();
    cluster.inject(PaymentsClient::CHARGE, fault);
    cluster
}

#[tokio::test]
async fn a_test_whose_fault_nothing_has_met_fails_at_its_end() {
    let text = said(async { drop(too_late(Fault::Panic).await) }).await;
    let expected = "no execution of payments.v1/Charge has met Fault::Panic, injected at ";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("tests/test_cluster/unmet.rs:"), "{text}");
    let advice = "; inject a fault before what it is to disturb, or leave it out; if the test has ended before that by \
                  `?`, its error is lost with this, and `unwrap` in that place tells it; what was sent to \
                  payments.v1/Charge:\n";
    assert!(text.contains(advice), "{text}");
    assert!(text.ends_with(r#"attempt 1 by payments.v1.Payments answered {"number":"r-30"}"#), "{text}");

    let status = Status::permission_denied("not you");
    let text = said(async { too_late(Fault::Error(status)).await.stop().await }).await;
    assert!(
        text.contains(": no execution of payments.v1/Charge has met Fault::Error(PERMISSION_DENIED: not you)"),
        "{text}"
    );
    let at = text.split(": no execution").next().unwrap();
    assert!(at.contains("tests/test_cluster/unmet.rs:") && !at.contains("injected"), "where it was stopped: {text}");
    let advice =
        "; inject a fault before what it is to disturb, or leave it out; what was sent to payments.v1/Charge:\n";
    assert!(text.contains(advice), "who stops it has come to the end: {text}");
}

/// A test that returns its error has dropped its cluster by then, which cannot know of the error. But it knows what has
/// failed for the test.
#[tokio::test]
async fn a_test_that_ended_with_a_failed_call_hears_of_that_first() {
    async fn charged(cluster: Cluster) -> Result<()> {
        cluster.inject(ordered(), Fault::LostWorker);
        cluster.client::<PaymentsClient>().charge(Json(Charge { amount: 0 })).await?;
        unreachable!("there is nothing to charge")
    }
    let text = said(async { charged(TestCluster::new().with(Payments::default()).start().await).await }).await;
    let (first, rest) = text.split_once("\nif the test has ended with that, it is why ").expect(&text);
    let (start, line) = first.split_once('\n').unwrap();
    assert_eq!(start, "the last that the test itself has sent did not succeed:");
    let call = r#"call payments.v1/Charge {"amount":0}: attempt 1 by payments.v1.Payments"#;
    assert!(
        line.contains(call) && line.ends_with("INVALID_ARGUMENT: amount is 0: there is nothing to charge"),
        "{text}"
    );
    assert!(rest.starts_with("no execution of orders.placed has met Fault::LostWorker, injected at "), "{text}");
    assert!(rest.contains("; if not, inject a fault before what it is to disturb, or leave it out; "), "{text}");
}

/// Asks in vain, and is content with that.
#[derive(Clone)]
struct Content;

#[service(version = 1)]
impl Content {
    #[handler]
    async fn ask(&self, ctx: Context, charge: Json<Charge>) -> Result<()> {
        PaymentsClient::new(&ctx).charge(charge).await.map(drop).or(Ok(()))
    }
}

#[tokio::test]
async fn what_failed_for_a_service_is_not_taken_for_the_end_of_the_test() {
    let text = said(async {
        let cluster = TestCluster::new().with(Payments::default()).with(Content).start().await;
        cluster.inject(ordered(), Fault::Panic);
        cluster.client::<ContentClient>().ask(Json(Charge { amount: 0 })).await.unwrap();
        cluster.calls(PaymentsClient::CHARGE).only().error().expect("it failed");
    })
    .await;
    assert!(text.starts_with("no execution of orders.placed has met Fault::Panic, injected at "), "{text}");
}

#[tokio::test]
async fn each_fault_that_was_not_met_is_named() {
    let text = said(async {
        let cluster = too_late(Fault::Delay(Duration::from_secs(5))).await;
        cluster.inject(ordered(), Fault::LostWorker);
    })
    .await;
    assert!(text.starts_with("no execution of payments.v1/Charge has met Fault::Delay(5s), injected at "), "{text}");
    assert!(text.contains("; no execution of orders.placed has met Fault::LostWorker, injected at "), "{text}");
}

#[tokio::test]
async fn what_was_met_is_no_matter_of_the_end() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    for fault in [Fault::Redelivery, Fault::Panic, Fault::Delay(Duration::ZERO)] {
        cluster.inject(PaymentsClient::CHARGE, fault);
        cluster.client::<PaymentsClient>().charge(Json(Charge { amount: 30 })).await.unwrap();
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_test_that_fails_already_keeps_its_reason() {
    let text = said(async {
        let _cluster = too_late(Fault::Panic).await;
        let reason = "of its own".to_owned();
        std::panic::panic_any(reason)
    })
    .await;
    assert_eq!(text, "of its own");
    let text = said(async {
        let broken = |_| panic!("it is broken");
        let cluster = TestCluster::new().fake(PaymentsClient::CHARGE, broken).start().await;
        cluster.client::<PaymentsClient>().charge(Json(Charge { amount: 30 })).await.unwrap_err();
        cluster.inject(PaymentsClient::CHARGE, Fault::Panic);
    })
    .await;
    assert_eq!(text, "the fake of payments.v1 panicked in Charge: it is broken");
}
