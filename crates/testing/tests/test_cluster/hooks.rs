//! Waiting for handlers and holding them.

use skyloom::prelude::*;
use skyloom_testing::TestCluster;

use crate::shop::{Charge, Orders, OrdersClient, Payments, PaymentsClient, Placed, Post, Receipt, ordered, tea};

fn placed(item: &str) -> Json<Placed> {
    Json(Placed { item: item.to_owned(), receipt: "r".to_owned() })
}

#[tokio::test]
async fn a_hook_tells_of_each_execution() {
    let cluster = TestCluster::new().with(Orders).with(Payments::default()).start().await;
    let mut charges = cluster.hook(PaymentsClient::CHARGE);
    let client = cluster.client::<OrdersClient>();
    let call = tokio::spawn(async move { client.place(tea()).await });
    let charge = charges.next().await;
    assert_eq!((charge.request(), charge.attempts()), (Json(Charge { amount: 30 }), 1));
    assert_eq!(charge.reply(), Some(Json(Receipt { number: "r-30".to_owned() })));
    call.await.unwrap().unwrap();
    assert!(charges.drain().is_empty());
}

#[tokio::test]
async fn a_hook_on_a_topic_waits_for_its_listeners() {
    let post = Post::default();
    let cluster = TestCluster::new().with(post.clone()).start().await;
    let mut sent = cluster.hook(ordered());
    cluster.publish(&ordered(), placed("tea")).await.unwrap();
    assert_eq!(sent.next().await.request(), placed("tea"));
    assert_eq!(*post.sent.lock().unwrap(), ["tea"]);
}

#[tokio::test(start_paused = true)]
async fn a_success_may_take_several_attempts() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    let mut reminders = cluster.hook(PaymentsClient::REMIND);
    cluster.client::<PaymentsClient>().remind(Json(Charge { amount: 5 })).cast(Default::default()).await.unwrap();
    assert_eq!(reminders.next().await.failure(), Some("UNAVAILABLE: the post is closed"));
    assert_eq!(reminders.next_success().await.attempts(), 3);
}

#[tokio::test]
async fn a_held_handler_waits_for_the_tests_word() {
    let payments = Payments::default();
    let cluster = TestCluster::new().with(payments.clone()).start().await;
    let mut hold = cluster.hold(PaymentsClient::CHARGE);
    let client = cluster.client::<PaymentsClient>();
    let charge = |amount| {
        let client = client.clone();
        tokio::spawn(async move { client.charge(Json(Charge { amount })).await })
    };

    let call = charge(1);
    let held = hold.next().await;
    assert_eq!((held.request(), held.context().attempt()), (Json(Charge { amount: 1 }), 1));
    assert!(payments.charged.lock().unwrap().is_empty(), "the handler has not started");
    assert!(!cluster.calls(PaymentsClient::CHARGE).only().is_settled());
    held.release();
    assert_eq!(call.await.unwrap().unwrap().0.number, "r-1");

    let call = charge(2);
    hold.next().await.answer(Json(Receipt { number: "instead".to_owned() }));
    assert_eq!(call.await.unwrap().unwrap().0.number, "instead");

    let call = charge(3);
    hold.next().await.fail(Status::unavailable("closed").with_retry_safe(false));
    assert_eq!(call.await.unwrap().unwrap_err().message(), "closed");
    assert_eq!(*payments.charged.lock().unwrap(), [1], "the handler ran for the first only");

    let call = charge(4);
    drop(hold);
    assert_eq!(call.await.unwrap().unwrap().0.number, "r-4");
}

#[tokio::test(start_paused = true)]
async fn a_held_handler_runs_into_its_deadline() {
    let cluster = TestCluster::new().with(Payments::default()).start().await;
    let mut hold = cluster.hold(PaymentsClient::CHARGE);
    let client = cluster.client::<PaymentsClient>();
    let call = tokio::spawn(async move { client.charge(Json(Charge { amount: 1 })).await });
    let held = hold.next().await;
    let status = call.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    held.release();
}
