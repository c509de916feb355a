//! A fan-out: one handler asks several at once and answers with what has come in time.
//!
//! `cargo run --bin fan_out`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use futures_util::future::join_all;
use skyloom::{Connection, prelude::*};

#[derive(Serialize, Deserialize)]
struct Ask {
    supplier: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Price {
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Offers {
    cents: Vec<u64>,
    silent: Vec<String>,
}

/// Asks a supplier, of whom one is asleep.
struct Prices;

#[service(version = 1)]
impl Prices {
    #[handler(idempotent)]
    async fn price(&self, Json(ask): Json<Ask>) -> Result<Json<Price>> {
        if ask.supplier == "sleepy" {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(Json(Price { cents: 100 * ask.supplier.len() as u64 }))
    }
}

struct Shop;

#[service(version = 1)]
impl Shop {
    #[handler(timeout = "5s")]
    async fn offers(&self, ctx: Context) -> Result<Json<Offers>> {
        // Calls through the context's client inherit this call's deadline, and are on its ledger.
        let prices = PricesClient::new(&ctx);
        let suppliers = ["acme", "sleepy", "initech"];
        let calls = suppliers
            .map(|supplier| prices.price(Json(Ask { supplier: supplier.to_owned() })).timeout(Duration::from_secs(1)));
        let mut offers = Offers { cents: Vec::new(), silent: Vec::new() };
        for (supplier, answer) in suppliers.iter().zip(join_all(calls).await) {
            match answer {
                Ok(Json(price)) => offers.cents.push(price.cents),
                Err(status) => offers.silent.push(format!("{supplier} ({})", status.code())),
            }
        }
        Ok(Json(offers))
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let running = App::new().serve(Prices).serve(Shop).start(&connection).await?;
    let (Json(offers), ledger) = ShopClient::new(connection.client()).offers().with_ledger().await?;
    println!("offers: {:?}, without an answer: {}", offers.cents, offers.silent.join(", "));
    println!("it took {} requests in all", ledger.sends);
    running.drain().await;
    Ok(())
}
