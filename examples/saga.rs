//! A saga by events: each service does its step and says so; when a later step fails, the earlier ones
//! are undone by the event that says it.
//!
//! `cargo run --bin saga`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{collections::HashMap, sync::Mutex, sync::PoisonError, time::Duration};

use skyloom::{Connection, TopicName, prelude::*};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: u32,
    cents: u64,
}

#[derive(Serialize, Deserialize)]
struct State {
    state: String,
}

async fn publish(ctx: &Context, topic: &'static str, order: Order) -> Result<()> {
    ctx.client().publish(&TopicName::new(topic)?, Json(order)).await
}

/// Events come at least once, so each step is keyed by its order: to do it again changes nothing.
#[derive(Default)]
struct Book(Mutex<HashMap<u32, &'static str>>);

impl Book {
    fn set(&self, order: &Order, state: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(order.id, state);
    }

    fn get(&self, id: u32) -> Option<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }
}

#[derive(Default)]
struct Orders(Book);

#[service(version = 1)]
impl Orders {
    #[handler]
    async fn place(&self, ctx: Context, Json(order): Json<Order>) -> Result<()> {
        self.0.set(&order, "placed");
        publish(&ctx, "order.placed", order).await
    }

    #[handler(idempotent)]
    async fn state(&self, Json(order): Json<Order>) -> Result<Json<State>> {
        let state = self.0.get(order.id).ok_or_else(|| Status::not_found(format!("there is no order {}", order.id)))?;
        Ok(Json(State { state: state.to_owned() }))
    }

    #[event("payment.taken")]
    async fn paid(&self, Json(order): Json<Order>) -> Result<()> {
        self.0.set(&order, "confirmed");
        Ok(())
    }

    #[event("stock.released")]
    async fn released(&self, Json(order): Json<Order>) -> Result<()> {
        self.0.set(&order, "cancelled");
        Ok(())
    }
}

#[derive(Default)]
struct Stock(Book);

#[service(version = 1)]
impl Stock {
    #[event("order.placed")]
    async fn placed(&self, ctx: Context, Json(order): Json<Order>) -> Result<()> {
        self.0.set(&order, "reserved");
        publish(&ctx, "stock.reserved", order).await
    }

    /// The compensation.
    #[event("payment.refused")]
    async fn refused(&self, ctx: Context, Json(order): Json<Order>) -> Result<()> {
        self.0.set(&order, "released");
        publish(&ctx, "stock.released", order).await
    }
}

struct Payment;

#[service(version = 1)]
impl Payment {
    #[event("stock.reserved")]
    async fn reserved(&self, ctx: Context, Json(order): Json<Order>) -> Result<()> {
        let topic = if order.cents <= 10_000 { "payment.taken" } else { "payment.refused" };
        publish(&ctx, topic, order).await
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let app = App::new().serve(Orders::default()).serve(Stock::default()).serve(Payment);
    let running = app.start(&connection).await?;
    let orders = OrdersClient::new(connection.client());
    for order in [Order { id: 1, cents: 4_200 }, Order { id: 2, cents: 99_900 }] {
        orders.place(Json(order.clone())).await?;
        let state = loop {
            let Json(State { state }) = orders.state(Json(order.clone())).await?;
            if state != "placed" {
                break state;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        println!("order {} of {} cents is {state}", order.id, order.cents);
    }
    running.drain().await;
    Ok(())
}
