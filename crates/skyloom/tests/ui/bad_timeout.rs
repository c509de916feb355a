//! A timeout in a unit that is none.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler(timeout = "2x")]
    async fn hello(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }
}

fn main() {}
