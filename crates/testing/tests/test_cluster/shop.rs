//! A shop of three services: orders take payments, and a post office listens to what was ordered.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use skyloom::{TopicName, prelude::*};
use skyloom_testing::{Topic, topic};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) item: String,
    pub(crate) amount: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) item: String,
    pub(crate) receipt: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) amount: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) number: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) times: u32,
}

pub(crate) fn tea() -> Json<Order> {
    Json(Order { item: "tea".to_owned(), amount: 30 })
}

/// Says what was ordered.
pub(crate) fn ordered() -> Topic<Json<Placed>> {
    topic("orders.placed")
}

#[derive(Clone, Default)]
pub(crate) struct Orders;

#[service(version = 1)]
impl Orders {
    /// Takes the money, and says what was ordered.
    #[handler(post = "/v1/orders")]
    async fn place(&self, ctx: Context, Json(order): Json<Order>) -> Result<Json<Placed>> {
        let charge = Json(Charge { amount: order.amount });
        let Json(receipt) = PaymentsClient::new(&ctx).charge(charge).await?;
        let placed = Placed { item: order.item, receipt: receipt.number };
        ctx.client().publish(&TopicName::new("orders.placed")?, Json(placed.clone())).await?;
        Ok(Json(placed))
    }

    /// Sends a reminder later.
    #[handler]
    async fn remind(&self, ctx: Context, Json(order): Json<Order>) -> Result<()> {
        let charge = Json(Charge { amount: order.amount });
        PaymentsClient::new(&ctx).remind(charge).cast(Duration::from_secs(3_600)).await
    }

    #[handler(get = "/v1/orders/watch")]
    async fn watch(&self, Json(watch): Json<Watch>) -> Result<Streaming<Json<Charge>>> {
        Ok(Streaming::from_messages((1..=watch.times).map(|amount| Json(Charge { amount })).collect::<Vec<_>>()))
    }
}

/// How often each of its handlers has done its work.
#[derive(Clone, Default)]
pub(crate) struct Payments {
    pub(crate) charged: Arc<Mutex<Vec<u32>>>,
}

#[service(version = 1)]
impl Payments {
    #[handler(post = "/v1/payments", timeout = "2s")]
    async fn charge(&self, Json(charge): Json<Charge>) -> Result<Json<Receipt>> {
        if charge.amount == 0 {
            return Err(Status::invalid_argument("amount is 0: there is nothing to charge"));
        }
        self.charged.lock().unwrap().push(charge.amount);
        Ok(Json(Receipt { number: format!("r-{}", charge.amount) }))
    }

    #[handler]
    async fn remind(&self, ctx: Context, Json(charge): Json<Charge>) -> Result<()> {
        match charge.amount {
            0 => Err(Status::invalid_argument("amount is 0: there is nothing to remind of")),
            1..=9 if ctx.attempt() < 3 => Err(Status::unavailable("the post is closed")),
            _ => Ok(()),
        }
    }
}

/// Listens to what was ordered.
#[derive(Clone, Default)]
pub(crate) struct Post {
    pub(crate) sent: Arc<Mutex<Vec<String>>>,
}

#[service(version = 1)]
impl Post {
    #[event("orders.placed")]
    async fn placed(&self, Json(placed): Json<Placed>) -> Result<()> {
        if placed.item.is_empty() {
            return Err(Status::invalid_argument("item is empty: nothing can be sent"));
        }
        self.sent.lock().unwrap().push(placed.item);
        Ok(())
    }
}
