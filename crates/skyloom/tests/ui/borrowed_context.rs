//! A context that is borrowed.

use skyloom::prelude::*;

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, _ctx: &Context, hello: Json<String>) -> Result<Json<String>> {
        Ok(hello)
    }
}

fn main() {}
