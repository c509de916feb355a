//! A function that the contract does not have.

use skyloom::prelude::*;

#[service(version = 1)]
trait Greeter {
    #[handler]
    async fn hello(&self, _ctx: Context, hello: Json<String>) -> Result<Json<String>> {
        Ok(hello)
    }
}

struct Polite;

#[service]
impl Greeter for Polite {
    #[handler(once)]
    async fn hallo(&self, _ctx: Context, hello: Json<String>) -> Result<Json<String>> {
        Ok(hello)
    }
}

fn main() {}
