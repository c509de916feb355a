//! Dependencies that the test makes up.

use std::time::Duration;

use greeter::contract::{GreeterClient, HelloReply, HelloRequest, HelloStreamRequest};
use serde_json::{Value, json};
use skyloom::{Channel, Codec, client::Request, prelude::*};
use skyloom_testing::{TestCluster, method};

use crate::shop::{Charge, Orders, OrdersClient, Payments, PaymentsClient, Receipt, ordered, tea};

#[tokio::test]
async fn a_code_first_dependency_is_faked_in_a_line() {
    let cluster = TestCluster::new()
        .with(Orders)
        .fake(PaymentsClient::CHARGE, |Json(charge)| Ok(Json(Receipt { number: format!("fake-{}", charge.amount) })))
        .start()
        .await;
    let Json(placed) = cluster.client::<OrdersClient>().place(tea()).await.unwrap();
    assert_eq!(placed.receipt, "fake-30");
    assert_eq!(cluster.calls(PaymentsClient::CHARGE).requests(), [Json(Charge { amount: 30 })]);
}

#[tokio::test]
async fn a_fake_fails_as_a_service_does() {
    let broke = |_| Err(Status::failed_precondition("the card is empty"));
    let cluster = TestCluster::new().with(Orders).fake(PaymentsClient::CHARGE, broke).start().await;
    let status = cluster.client::<OrdersClient>().place(tea()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "the card is empty"));
    cluster.events(ordered()).assert_none();
}

#[tokio::test(start_paused = true)]
async fn a_fake_may_wait_call_and_publish() {
    let cluster = TestCluster::new()
        .fake_with(OrdersClient::PLACE, |ctx, order: Json<_>| async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let Json(crate::shop::Order { item, amount }) = order;
            let Json(receipt) = PaymentsClient::new(&ctx).charge(Json(Charge { amount })).await?;
            Ok(Json(crate::shop::Placed { item, receipt: receipt.number }))
        })
        .with(Payments::default())
        .start()
        .await;
    let Json(placed) = cluster.client::<OrdersClient>().place(tea()).await.unwrap();
    assert_eq!(placed.receipt, "r-30");
}

#[tokio::test]
async fn a_contract_first_dependency_is_faked_just_the_same() {
    let cluster = TestCluster::new()
        .fake(GreeterClient::HELLO, |request| Ok(HelloReply { text: format!("Hi, {}.", request.name) }))
        .fake(GreeterClient::HELLO_STREAM, |request: HelloStreamRequest| {
            Ok(Streaming::from_messages(
                (0..request.times).map(|at| HelloReply { text: at.to_string() }).collect::<Vec<_>>(),
            ))
        })
        .start()
        .await;
    let client = cluster.client::<GreeterClient>();
    let request = HelloRequest { name: "Ada".to_owned() };
    assert_eq!(client.hello(request.clone()).await.unwrap().text, "Hi, Ada.");
    let stream = HelloStreamRequest { name: "Ada".to_owned(), times: 2, pause_ms: 0 };
    let mut replies = client.hello_stream(stream).await.unwrap();
    assert_eq!(replies.next().await.unwrap().unwrap().text, "0");

    // The fake has the contract's messages, so that the gateway can speak JSON for it.
    let response = cluster.http().post("/greeter.v1.Greeter/Hello").json(&json!({ "name": "Bob" })).await;
    assert_eq!(response.json::<Value>(), json!({ "text": "Hi, Bob." }));
    let seen = cluster.calls(GreeterClient::HELLO);
    assert_eq!(seen.requests(), [request, HelloRequest { name: "Bob".to_owned() }]);
    assert!(seen[1].to_string().contains(r#"call greeter.v1/Hello {"name":"Bob"}: attempt 1"#), "{}", seen[1]);
    assert!(seen[1].to_string().ends_with(r#"answered {"text":"Hi, Bob."}"#), "{}", seen[1]);
}

#[tokio::test]
async fn a_service_without_a_client_is_named_by_text() {
    let charge = method::<Json<Charge>, Json<Receipt>>("billing.v1", "Charge");
    let cluster = TestCluster::new()
        .fake(charge, |Json(charge)| Ok(Json(Receipt { number: charge.amount.to_string() })))
        .start()
        .await;
    let queue: Channel = "billing.v1".parse().unwrap();
    let request = Request::new(queue, "Charge", Codec::Json, r#"{"amount":7}"#.into());
    let reply = cluster.client::<Client>().call(request).await.unwrap();
    assert_eq!(reply.payload, r#"{"number":"7"}"#);
    assert_eq!(cluster.calls(charge).requests(), [Json(Charge { amount: 7 })]);
}

#[tokio::test]
async fn what_a_fake_does_not_have_is_said() {
    let cluster =
        TestCluster::new().fake(PaymentsClient::CHARGE, |_| Ok(Json(Receipt { number: String::new() }))).start().await;
    let status = cluster.client::<PaymentsClient>().remind(Json(Charge { amount: 1 })).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "the fake of payments.v1 has no Remind; it has Charge: fake that method too");
}

#[tokio::test]
async fn a_service_is_served_or_faked() {
    let receipt = |_: Json<Charge>| Ok(Json(Receipt { number: String::new() }));
    let both = TestCluster::new().with(Payments::default()).fake(PaymentsClient::CHARGE, receipt);
    let status = both.try_start().await.unwrap_err();
    assert_eq!(status.message(), "payments.v1.Payments is both served and faked: leave out one of them");
    let twice = TestCluster::new().fake(PaymentsClient::CHARGE, receipt).fake(PaymentsClient::CHARGE, receipt);
    let status = twice.try_start().await.unwrap_err();
    let expected = "payments.v1.Payments/Charge is faked twice: \
        leave out one of the two, or tell the cases apart by the request in one function";
    assert_eq!(status.message(), expected);
}
