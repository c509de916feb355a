//! Two services in one process: one instance, two queues, and calls between them without a socket.
//!
//! `cargo run --bin two_services`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use skyloom::{Connection, prelude::*, registry::Filter};

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

struct Upper;

#[service(version = 1)]
impl Upper {
    #[handler]
    async fn upper(&self, Json(text): Json<Text>) -> Result<Json<Text>> {
        Ok(Json(Text { text: text.text.to_uppercase() }))
    }
}

struct Shout;

#[service(version = 1)]
impl Shout {
    #[handler]
    async fn shout(&self, ctx: Context, text: Json<Text>) -> Result<Json<Text>> {
        // The queue is the address: nothing here says that the other service is in this process.
        let Json(upper) = UpperClient::new(&ctx).upper(text).await?;
        Ok(Json(Text { text: format!("{}!", upper.text) }))
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    // A process of its own would say `App::new().serve(Upper).serve(Shout).run().await` and nothing else.
    let connection = Connection::memory();
    let running = App::new().serve(Upper).serve(Shout).start(&connection).await?;

    let Json(reply) = ShoutClient::new(connection.client()).shout(Json(Text { text: "hello".to_owned() })).await?;
    println!("{}", reply.text);
    for instance in connection.registry.list(&Filter::default()).await? {
        let names: Vec<&str> = instance.services.iter().map(|service| service.name.as_str()).collect();
        println!("one instance serves {}", names.join(" and "));
    }
    running.drain().await;
    Ok(())
}
