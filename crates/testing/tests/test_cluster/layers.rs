//! A service behind a layer of its author's own.

use std::task::{Context, Poll};

use skyloom::{
    broker::BoxFuture,
    prelude::{Json, Result, Status},
    service::{Answer, HandlerService, Incoming},
};
use skyloom_testing::TestCluster;
use tower_layer::layer_fn;
use tower_service::Service;

use crate::shop::{Charge, Payments, PaymentsClient};

/// Lets nobody in without the password.
#[derive(Clone)]
struct Guarded(HandlerService<Payments>);

impl Service<Incoming> for Guarded {
    type Response = Answer;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Answer>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming) -> Self::Future {
        if incoming.context.headers().get("password") == Some("secret") {
            return self.0.call(incoming);
        }
        Box::pin(async { Err(Status::unauthenticated("who are you?")) })
    }
}

#[tokio::test]
async fn a_layer_is_around_the_service_as_it_is_in_production() {
    let cluster = TestCluster::new().with_layer(Payments::default(), layer_fn(Guarded)).start().await;
    let client = cluster.client::<PaymentsClient>();
    let charge = || client.charge(Json(Charge { amount: 1 }));
    assert_eq!(charge().await.unwrap_err().message(), "who are you?");
    assert_eq!(charge().header("password", "secret").await.unwrap().0.number, "r-1");
    assert_eq!(cluster.calls(PaymentsClient::CHARGE)[1].headers().get("password"), Some("secret"));
}
