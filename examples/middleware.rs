//! Middleware: tower's layers around a service and around a client.
//!
//! `cargo run --bin middleware`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    pin::Pin,
    task::{self, Poll},
};

use skyloom::{
    Connection,
    client::Request,
    prelude::*,
    service::{Answer, HandlerService, Incoming},
};
use tower::{Layer, Service, ServiceBuilder, limit::ConcurrencyLimitLayer, util::MapRequestLayer};

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

struct Vault;

#[service(version = 1)]
impl Vault {
    #[handler]
    async fn open(&self, ctx: Context) -> Result<Json<Text>> {
        let who = ctx.headers().get("user").unwrap_or("nobody");
        Ok(Json(Text { text: format!("open for {who}") }))
    }
}

/// A layer of one's own: whoever does not show the token is refused before the handler runs.
#[derive(Clone)]
struct Guarded<S>(S);

impl<S: Service<Incoming, Response = Answer, Error = Status>> Service<Incoming> for Guarded<S>
where
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, incoming: Incoming) -> Self::Future {
        if incoming.context.headers().get("token") != Some("sesame") {
            return Box::pin(async { Err(Status::unauthenticated("show the token in the header \"token\"")) });
        }
        Box::pin(self.0.call(incoming))
    }
}

fn guarded() -> impl Layer<HandlerService<Vault>, Service = Guarded<HandlerService<Vault>>> + Clone {
    tower::layer::layer_fn(Guarded)
}

#[skyloom::main]
async fn main() -> Result<()> {
    let connection = Connection::memory();
    // At most four calls at once, and of those only the ones with a token.
    let layers = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(4)).layer(guarded());
    let running = App::new().serve_with(Vault, layers).start(&connection).await?;

    let plain = connection.client();
    println!(
        "without a token: {}",
        VaultClient::new(&plain).open().await.map_or_else(|status| status.to_string(), |Json(reply)| reply.text)
    );

    // The same client behind a layer that adds the token to each call.
    let add_token = MapRequestLayer::new(|mut request: Request| {
        request.headers_mut().set("token", "sesame");
        request
    });
    let Json(reply) = VaultClient::new(plain.layer(add_token)).open().header("user", "Ada").await?;
    println!("with the token: {}", reply.text);

    running.drain().await;
    Ok(())
}
