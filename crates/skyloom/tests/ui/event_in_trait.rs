//! A listener in a contract.

use skyloom::prelude::*;

#[service(version = 1)]
trait Greeter {
    #[event("links.visited")]
    async fn seen(&self, link: Json<String>) -> Result<()>;
}

fn main() {}
