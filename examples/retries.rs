//! Retries: a method that may be executed twice is tried again, and one that may not is left alone.
//!
//! `cargo run --bin retries`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use skyloom::{Connection, Guid, Outcome, prelude::*};

#[derive(Serialize, Deserialize)]
struct Amount {
    cents: u64,
}

/// What was paid in, by the GUID of the call that paid it: the key that makes a repetition harmless.
#[derive(Default)]
struct Account(Mutex<HashMap<Guid, u64>>);

impl Account {
    fn pay(&self, key: Guid, cents: u64) -> (u64, bool) {
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = paid.insert(key, cents).is_none();
        (paid.values().sum(), first)
    }
}

#[service(version = 1)]
impl Account {
    /// Pays in. The promise of `idempotent` is kept by the call's GUID, which all attempts share.
    #[handler(idempotent)]
    async fn pay_in(&self, ctx: Context, Json(amount): Json<Amount>) -> Result<Json<Amount>> {
        let (cents, first) = self.pay(ctx.id(), amount.cents);
        // The money is there, and then the worker fails, so that its caller does not know.
        if first { Err(lost()) } else { Ok(Json(Amount { cents })) }
    }

    /// Fails in the same way, and promises nothing.
    #[handler]
    async fn pay_out(&self, _: Json<Amount>) -> Result<Json<Amount>> {
        Err(lost())
    }
}

fn lost() -> Status {
    Status::aborted("the worker was lost").with_outcome(Outcome::Unknown)
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let running = App::new().serve(Account::default()).start(&connection).await?;
    let account = AccountClient::new(connection.client());

    let (Json(balance), ledger) = account.pay_in(Json(Amount { cents: 500 })).with_ledger().await?;
    println!("paid in once, in {} attempts: {} cents", ledger.retries + 1, balance.cents);

    if let Err(status) = account.pay_out(Json(Amount { cents: 500 })).await {
        println!("paid out? {status}; outcome {:?}, in {} attempt", status.outcome(), status.ledger().retries + 1);
    }
    running.drain().await;
    Ok(())
}
