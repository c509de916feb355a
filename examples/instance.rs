//! A specific instance: the queue reaches any of them, a call that names one reaches this one and no other.
//!
//! `cargo run --bin instance`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use skyloom::{Connection, Guid, InstanceClient, prelude::*, registry::Filter};

#[derive(Serialize, Deserialize)]
struct Owner {
    name: String,
}

/// Where a cart is: only the instance that made it has it.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Cart {
    instance: Guid,
    id: Guid,
}

#[derive(Serialize, Deserialize)]
struct Item {
    cart: Guid,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    owner: String,
    items: Vec<String>,
}

/// Keeps carts in memory, each instance its own.
#[derive(Default)]
struct Carts(Mutex<HashMap<Guid, Content>>);

#[service(version = 1)]
impl Carts {
    /// Whichever instance is free makes the cart, and says who it is.
    #[handler]
    async fn open(&self, ctx: Context, Json(Owner { name }): Json<Owner>) -> Result<Json<Cart>> {
        let cart = Cart { instance: ctx.instance(), id: ctx.id() };
        let content = Content { owner: name, items: Vec::new() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cart.id, content);
        Ok(Json(cart))
    }

    /// Puts an item into a cart of this instance.
    #[handler]
    async fn put(&self, Json(item): Json<Item>) -> Result<Json<Content>> {
        let mut carts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cart) = carts.get_mut(&item.cart) else {
            return Err(Status::failed_precondition("this instance does not have that cart"));
        };
        cart.items.push(item.name);
        Ok(Json(Content { owner: cart.owner.clone(), items: cart.items.clone() }))
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let mut running = Vec::new();
    for _ in 0..2 {
        running.push(App::new().serve(Carts::default()).start(&connection).await?);
    }
    let client = connection.client();
    let carts = CartsClient::new(&client);

    // Nobody need know which instance makes the cart. What belongs to it goes to that one.
    let Json(cart) = carts.open(Json(Owner { name: "Ada".to_owned() })).await?;
    let item = |name: &str| Json(Item { cart: cart.id, name: name.to_owned() });
    for name in ["tea", "milk"] {
        carts.put(item(name)).instance(cart.instance).await?;
    }
    let Json(Content { owner, items }) = carts.put(item("cups")).instance(cart.instance).await?;
    println!("the cart of {owner} has {}", items.join(", "));

    // The registry knows who is there; it is not on the way of the calls above.
    let filter = Filter { service: Some("carts.v1.Carts".to_owned()), ..Filter::default() };
    let mut calls = 0;
    for instance in connection.registry.list(&filter).await? {
        if instance.id != cart.instance {
            let Err(status) = carts.put(item("sugar")).instance(instance.id).await else { continue };
            println!("the other: {}", status.message());
        }
        let stats = InstanceClient::new(&client, instance.id).stats().await?;
        calls += stats.methods.iter().map(|method| method.calls).sum::<u64>();
    }
    println!("{calls} calls were served by {} instances", running.len());

    // Ask the cart's instance to end. In a process of its own, `App::run` does what follows.
    let mut left = Vec::new();
    for instance in running {
        if instance.instance() == cart.instance {
            InstanceClient::new(&client, cart.instance).drain().await?;
            instance.drain_requested().await;
            instance.drain().await;
        } else {
            left.push(instance);
        }
    }
    if let Err(status) = carts.put(item("sugar")).instance(cart.instance).await {
        println!("the cart has gone with its instance: {}, outcome {:?}", status.code(), status.outcome());
    }
    for rest in left {
        rest.drain().await;
    }
    Ok(())
}
