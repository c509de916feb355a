//! A specific instance: the queue reaches any of them, an instance's own channel reaches this one.
//!
//! `cargo run --bin instance`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use skyloom::{Connection, InstanceClient, prelude::*, registry::Filter};

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

struct Echo;

#[service(version = 1)]
impl Echo {
    #[handler]
    async fn echo(&self, text: Json<Text>) -> Result<Json<Text>> {
        Ok(text)
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    let mut running = Vec::new();
    for _ in 0..2 {
        running.push(App::new().serve(Echo).start(&connection).await?);
    }
    let client = connection.client();
    for _ in 0..10 {
        EchoClient::new(&client).echo(Json(Text { text: "hello".to_owned() })).await?;
    }

    // The registry knows who is there; it is not on the way of the calls above.
    let filter = Filter { service: Some("echo.v1.Echo".to_owned()), ..Filter::default() };
    let mut calls = 0;
    for instance in connection.registry.list(&filter).await? {
        let one = InstanceClient::new(&client, instance.id);
        let answer = one.ping().await?;
        println!("an instance answers from this process: {}", answer.pid == std::process::id());
        calls += one.stats().await?.methods.iter().map(|method| method.calls).sum::<u64>();
    }
    println!("{calls} calls were served by {} instances", running.len());

    // Ask one of them to end. In a process of its own, `App::run` does what follows.
    let leaving = running.remove(0);
    InstanceClient::new(&client, leaving.instance()).drain().await?;
    leaving.drain_requested().await;
    leaving.drain().await;
    println!("{} instance is left", connection.registry.list(&filter).await?.len());
    for rest in running {
        rest.drain().await;
    }
    Ok(())
}
