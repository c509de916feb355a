//! A contract that is not kept.

use skyloom::prelude::*;

#[service(version = 1)]
trait Greeter {
    #[handler]
    async fn hello(&self, ctx: Context, hello: Json<String>) -> Result<Json<String>>;
}

struct Polite;

#[service]
impl Greeter for Polite {}

fn main() {}
