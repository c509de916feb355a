//! What an assertion says when it fails: what was seen.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use skyloom::prelude::*;
use skyloom_testing::{Cluster, Fault, TestCluster, method};

use crate::shop::{Charge, OrdersClient, Payments, PaymentsClient, Receipt, ordered};

/// What a failing assertion says.
fn said<T>(assert: impl FnOnce() -> T) -> String {
    let panic = panic::catch_unwind(AssertUnwindSafe(assert)).map(drop).unwrap_err();
    text(&*panic)
}

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<String> = RefCell::default();
}

/// In which file a failing assertion says that it fails.
fn failed_in<T>(assert: impl FnOnce() -> T) -> String {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let file = info.location().map(|place| place.file().to_owned());
            PLACE.with(|place| place.replace(file.unwrap_or_default()));
            before(info);
        }));
    });
    said(assert);
    PLACE.with(RefCell::take)
}

/// What a wait in vain says.
async fn said_at_last<T>(wait: impl Future<Output = T>) -> String {
    let panic = AssertUnwindSafe(wait).catch_unwind().await.map(drop).unwrap_err();
    text(&*panic)
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    // Times differ from run to run.
    text.unwrap().split(' ').filter(|word| !word.starts_with('+')).collect::<Vec<_>>().join(" ")
}

async fn charged_twice() -> Cluster {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    let client = cluster.client::<PaymentsClient>();
    client.charge(Json(Charge { amount: 30 })).await.unwrap();
    client.charge(Json(Charge { amount: 0 })).await.unwrap_err();
    cluster
}

#[tokio::test]
async fn a_wrong_count_shows_the_messages() {
    let cluster = charged_twice().await;
    let calls = cluster.calls(PaymentsClient::CHARGE);
    let expected = "expected exactly 1 call of payments.v1/Charge, and there were 2; \
        what was sent to payments.v1/Charge:";
    let text = said(|| calls.only());
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains(
            r#"call payments.v1/Charge {"amount":30}: attempt 1 by payments.v1.Payments answered {"number":"r-30"}"#
        ),
        "{text}"
    );
    assert!(
        text.contains(r#"{"amount":0}: attempt 1 by payments.v1.Payments answered INVALID_ARGUMENT: amount is 0"#),
        "{text}"
    );
    assert!(
        said(|| calls.assert_count(3).len())
            .starts_with("expected exactly 3 calls of payments.v1/Charge, and there were 2;")
    );
    assert!(said(|| calls.assert_none()).starts_with("expected no calls of payments.v1/Charge, and there were 2;"));
    assert!(
        said(|| calls[2].attempts()).starts_with("expected at least 3 calls of payments.v1/Charge, and there were 2;")
    );
    let none = said(|| calls.assert_any(|Json(charge)| charge.amount > 99).attempts());
    assert!(none.starts_with("expected a matching call of payments.v1/Charge, and none of 2 is one;"), "{none}");
    let all = said(|| calls.assert_all(|Json(charge)| charge.amount > 0).len());
    assert!(all.starts_with("expected number 2 to be a matching call of payments.v1/Charge, and it is not;"), "{all}");
}

#[tokio::test]
async fn a_mistake_of_the_test_is_shown_where_the_test_makes_it() {
    let cluster = charged_twice().await;
    let other = method::<Json<Receipt>, Json<Receipt>>("payments.v1", "Charge");
    assert_eq!(failed_in(|| cluster.calls(other).requests()), file!());
    assert_eq!(failed_in(|| cluster.http().get("v1/orders").stream()), file!());
    let text = said(|| cluster.http().get("v1/orders").stream());
    assert!(text.contains(r#"its path "v1/orders" is wrong: "#) && text.contains("begins with /"), "{text}");
    let text = said(|| cluster.http().get("/v1/orders/a b").stream());
    assert!(text.contains(r#"its path "/v1/orders/a b" is wrong: "#) && text.contains("%20"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_second_attempt_is_told_from_a_redelivery() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    cluster.inject(PaymentsClient::CHARGE, Fault::Error(Status::unavailable("closed: till nine")));
    let client = cluster.client::<PaymentsClient>();
    client.charge(Json(Charge { amount: 30 })).await.unwrap();
    let line = cluster.calls(PaymentsClient::CHARGE).only().to_string();
    let expected = "attempt 1 by payments.v1.Payments answered UNAVAILABLE: closed: till nine; its caller tries again: \
        attempt 1 by payments.v1.Payments answered {";
    assert!(line.contains(expected), "{line}");
}

#[tokio::test]
async fn what_was_not_sent_shows_what_was() {
    let cluster = charged_twice().await;
    let text = said(|| cluster.calls(OrdersClient::PLACE).only().attempts());
    assert!(text.contains("there were 0; nothing was sent to orders.v1/Place; what was sent:\n"), "{text}");
    assert!(text.contains(r#"call payments.v1/Charge {"amount":30}"#), "{text}");
    let text = said(|| cluster.events(ordered()).assert_count(2).len());
    assert!(text.starts_with("expected exactly 2 events of orders.placed, and there were 0;"), "{text}");
    let none = said(|| cluster.calls(OrdersClient::PLACE).assert_all(|_| true).len());
    assert!(none.starts_with("expected at least 1 call of orders.v1/Place, and there were 0;"), "{none}");
    let empty = TestCluster::new().start().await;
    let text = said(|| empty.casts(PaymentsClient::REMIND).only().attempts());
    assert_eq!(
        text,
        "expected exactly 1 cast of payments.v1/Remind, and there were 0; nothing was sent in this cluster"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_vain_shows_what_was_seen() {
    let cluster = charged_twice().await;
    let mut hook = cluster.hook(PaymentsClient::CHARGE);
    let text = said_at_last(hook.next()).await;
    assert!(text.contains("tests/test_cluster/failures.rs:"), "where it was waited for: {text}");
    assert!(
        text.contains("no execution of payments.v1/Charge ended; what was sent to payments.v1/Charge:\n"),
        "{text}"
    );
    assert!(text.ends_with("within 10s"), "{text}");
    let mut hold = cluster.hold(OrdersClient::PLACE);
    let text = said_at_last(hold.next()).await;
    assert!(text.contains("no execution of orders.v1/Place has come; nothing was sent to orders.v1/Place;"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn work_that_does_not_end_is_named() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    let mut hold = cluster.hold(PaymentsClient::REMIND);
    cluster.client::<PaymentsClient>().remind(Json(Charge { amount: 50 })).cast(Default::default()).await.unwrap();
    let held = hold.next().await;
    let text = said_at_last(cluster.idle()).await;
    let expected = "work is left after 10s: payments.v1 has 0 waiting, 0 held back, 1 with workers";
    assert!(text.ends_with(expected), "{text}");
    held.release();
    cluster.idle().await;
}

#[tokio::test]
async fn dead_letters_and_responses_show_what_there_is() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    cluster.client::<PaymentsClient>().remind(Json(Charge { amount: 0 })).cast(Default::default()).await.unwrap();
    cluster.idle().await;
    let letters = cluster.dead_letters(PaymentsClient::REMIND).await;
    let text = said(|| letters.assert_none());
    assert!(text.starts_with("expected no dead letters of payments.v1/Remind, and there were 1:\n"), "{text}");
    assert!(
        text.contains(r#"payments.v1 Remind {"amount":0}, dead after 1 attempts: INVALID_ARGUMENT: amount is 0"#),
        "{text}"
    );
    assert!(said(|| letters.assert_count(2).len()).starts_with("expected exactly 2 dead letters"));
    let none = cluster.dead_letters(PaymentsClient::CHARGE).await;
    assert!(
        said(|| none.only().attempts())
            .starts_with("expected exactly 1 dead letter of payments.v1/Charge, and there were 0")
    );

    let response = cluster.http().get("/v1/nothing").await;
    let text = said(|| response.assert_status(200).status());
    assert!(text.starts_with("expected status 200; the response is 404 Not Found\n"), "{text}");
    assert!(text.contains("content-type: application/problem+json"), "{text}");
    assert!(said(|| response.json::<Charge>()).starts_with("the body is not the JSON of this type: missing field"));
}

#[tokio::test]
async fn a_cluster_that_cannot_do_it_says_why() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    let text = said(|| cluster.lose_worker(OrdersClient::PLACE));
    assert_eq!(text, "no instance serves orders.v1/Place; there are: payments.v1.Payments");
    let text = said(|| skyloom_testing::topic::<Json<Charge>>("no topic"));
    assert!(text.starts_with("no topic can have this name: "), "{text}");
    let receipt = |_| Err(Status::unavailable("no"));
    let start = TestCluster::new().with(Payments::default()).fake(PaymentsClient::CHARGE, receipt).start();
    let text = said_at_last(start).await;
    assert!(
        text.ends_with(
            "the cluster does not start: payments.v1.Payments is both served and faked: leave out one of them"
        ),
        "{text}"
    );
}

/// Asks for ticks.
#[derive(Debug, Serialize, Deserialize)]
struct Ticks {}

/// Ticks once, and never again.
struct Clock;

#[service(version = 1)]
impl Clock {
    #[handler(get = "/v1/ticks")]
    async fn ticks(&self, Json(_): Json<Ticks>) -> Result<Streaming<Json<Charge>>> {
        let tick = stream::iter([Ok(Json(Charge { amount: 1 }))]);
        Ok(Streaming::new(tick.chain(stream::pending())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_without_an_end_is_not_waited_for() {
    let cluster = TestCluster::new().with(Clock).start().await;
    let text = said_at_last(cluster.http().get("/v1/ticks").into_future()).await;
    assert!(text.contains("the end of the response did not come: read what has no end with stream()"), "{text}");
}
