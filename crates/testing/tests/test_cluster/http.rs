//! HTTP through the gateway without a socket.

use serde_json::{Value, json};
use skyloom_testing::TestCluster;

use crate::shop::{Orders, OrdersClient, Payments, Placed};

#[tokio::test]
async fn rest_reaches_the_services() {
    let cluster = TestCluster::new().with(Orders).with(Payments::default()).start().await;
    let http = cluster.http();
    let response = http.post("/v1/orders").json(&json!({ "item": "tea", "amount": 30 })).await;
    response.assert_status(200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.json::<Placed>(), Placed { item: "tea".to_owned(), receipt: "r-30".to_owned() });
    assert_eq!(cluster.calls(OrdersClient::PLACE).len(), 1);

    let response = http.post("/payments.v1.Payments/Charge").json(&json!({ "amount": 0 })).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.json::<Value>()["detail"], "amount is 0: there is nothing to charge");
    assert_eq!(http.get("/v1/nothing").await.status(), 404);
    let odd = http.post("/v1/orders").body("text/plain", "tea").header("x-request-id", "abc").await;
    assert_eq!((odd.status(), odd.header("x-request-id")), (400, Some("abc")));
}

#[tokio::test]
async fn a_stream_is_read_as_it_comes() {
    let cluster = TestCluster::new().with(Orders).start().await;
    let mut stream = cluster.http().get("/v1/orders/watch?times=2").stream().await;
    assert_eq!((stream.status(), stream.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(stream.next::<Value>().await, Some(json!({ "amount": 1 })));
    assert_eq!(stream.next::<Value>().await, Some(json!({ "amount": 2 })));
    assert_eq!(stream.next::<Value>().await, None);
}

#[tokio::test]
async fn an_instance_that_comes_later_is_reached_at_once() {
    let cluster = TestCluster::new().start().await;
    assert_eq!(cluster.http().post("/v1/payments").json(&json!({ "amount": 1 })).await.status(), 404);
    cluster.add(Payments::default()).await;
    let request = || cluster.http().post("/v1/payments").json(&json!({ "amount": 1 }));
    assert_eq!(request().await.status(), 200);
    cluster.lose_worker(crate::shop::PaymentsClient::CHARGE);
    let response = request().await;
    assert_eq!((response.status(), response.header("retry-after").is_some()), (503, true));
}
