//! A queue's name that no broker takes.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1, queue = "Greeter/1")]
impl Greeter {
    #[handler]
    async fn hello(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }
}

fn main() {}
