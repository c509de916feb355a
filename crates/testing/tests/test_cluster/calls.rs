//! Real services, typed clients, and what was seen.

use std::time::Duration;

use skyloom::{prelude::*, registry::Filter};
use skyloom_testing::TestCluster;

use crate::shop::{Charge, Orders, OrdersClient, Payments, PaymentsClient, Placed, Post, Receipt, Watch, ordered, tea};

#[tokio::test]
async fn services_call_each_other_and_publish() {
    let (payments, post) = (Payments::default(), Post::default());
    let cluster = TestCluster::new().with(Orders).with(payments.clone()).with(post.clone()).start().await;
    let Json(placed) = cluster.client::<OrdersClient>().place(tea()).await.unwrap();
    assert_eq!(placed, Placed { item: "tea".to_owned(), receipt: "r-30".to_owned() });
    cluster.idle().await;
    assert_eq!(*payments.charged.lock().unwrap(), [30]);
    assert_eq!(*post.sent.lock().unwrap(), ["tea"]);

    let call = cluster.calls(OrdersClient::PLACE);
    assert_eq!((call.only().request(), call.only().reply()), (tea(), Some(Json(placed.clone()))));
    let charges = cluster.calls(PaymentsClient::CHARGE);
    assert_eq!(charges.requests(), [Json(Charge { amount: 30 })]);
    assert_eq!(charges.only().reply(), Some(Json(Receipt { number: "r-30".to_owned() })));
    assert_eq!(cluster.events(ordered()).only().request(), Json(placed));
    assert!(cluster.events(ordered()).only().is_settled());
    cluster.calls(PaymentsClient::REMIND).assert_none();
    cluster.casts(PaymentsClient::REMIND).assert_none();
    cluster.stop().await;
}

#[tokio::test]
async fn a_handlers_error_and_a_stream_are_seen() {
    let cluster = TestCluster::new().with(Orders).with(Payments::default()).start().await;
    let client = cluster.client::<PaymentsClient>();
    let status = client.charge(Json(Charge { amount: 0 })).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let calls = cluster.calls(PaymentsClient::CHARGE);
    let seen = calls.only();
    assert_eq!(seen.error().map(Status::code), Some(Code::InvalidArgument));
    assert_eq!((seen.reply(), seen.attempts()), (None, 1));

    let mut stream = cluster.client::<OrdersClient>().watch(Json(Watch { times: 3 })).await.unwrap();
    let mut amounts = Vec::new();
    while let Some(charge) = stream.next().await {
        amounts.push(charge.unwrap().0.amount);
    }
    assert_eq!(amounts, [1, 2, 3]);
    assert_eq!(cluster.calls(OrdersClient::WATCH).only().streamed(), 3);
}

#[tokio::test]
async fn two_instances_compete() {
    let (one, other) = (Payments::default(), Payments::default());
    let cluster = TestCluster::new().with(one.clone()).with(other.clone()).start().await;
    let client = cluster.client::<PaymentsClient>();
    for amount in 1..=20 {
        client.charge(Json(Charge { amount })).await.unwrap();
    }
    let counts = [one, other].map(|payments| payments.charged.lock().unwrap().len());
    assert_eq!(counts.iter().sum::<usize>(), 20);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    cluster.calls(PaymentsClient::CHARGE).assert_count(20).assert_all(|Json(charge)| charge.amount > 0);
    cluster.calls(PaymentsClient::CHARGE).assert_any(|Json(charge)| charge.amount == 7);
}

#[tokio::test]
async fn what_is_for_one_instance_is_seen_like_any_other() {
    let (one, other) = (Payments::default(), Payments::default());
    let cluster = TestCluster::new().with(one.clone()).with(other.clone()).start().await;
    let instances = cluster.connection().registry.list(&Filter::default()).await.unwrap();
    let (client, chosen) = (cluster.client::<PaymentsClient>(), instances[0].id);
    for amount in 1..=5 {
        client.charge(Json(Charge { amount })).instance(chosen).await.unwrap();
    }
    cluster.calls(PaymentsClient::CHARGE).assert_count(5).assert_any(|Json(charge)| charge.amount == 3);
    client.charge(Json(Charge { amount: 6 })).instance(chosen).cast(Duration::ZERO).await.unwrap();
    cluster.idle().await;
    assert!(cluster.casts(PaymentsClient::CHARGE).only().is_settled());
    let mut counts = [one, other].map(|payments| payments.charged.lock().unwrap().len());
    counts.sort_unstable();
    assert_eq!(counts, [0, 6]);
}

#[tokio::test]
async fn an_app_joins_the_cluster() {
    let cluster = TestCluster::new().with(Orders).start().await;
    let running = App::new().serve(Payments::default()).start(cluster.connection()).await.unwrap();
    let Json(placed) = cluster.client::<OrdersClient>().place(tea()).await.unwrap();
    assert_eq!(placed.receipt, "r-30");
    let line = cluster.calls(PaymentsClient::CHARGE).only().to_string();
    assert!(line.contains("attempt 1 by the test answered"), "{line}");
    running.drain().await;
    cluster.stop().await;
}
