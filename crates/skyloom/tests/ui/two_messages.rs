//! A handler with two messages.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, hello: Json<Hello>, again: Json<Hello>) -> Result<Json<Hello>> {
        drop(again);
        Ok(hello)
    }
}

fn main() {}
