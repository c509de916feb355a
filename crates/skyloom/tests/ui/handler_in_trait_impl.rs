//! An attribute that says nothing.

use skyloom::prelude::*;

#[service(version = 1)]
trait Greeter {
    #[handler]
    async fn hello(&self, ctx: Context, hello: Json<String>) -> Result<Json<String>>;
}

struct Polite;

#[service]
impl Greeter for Polite {
    #[handler]
    async fn hello(&self, _ctx: Context, hello: Json<String>) -> Result<Json<String>> {
        Ok(hello)
    }
}

fn main() {}
