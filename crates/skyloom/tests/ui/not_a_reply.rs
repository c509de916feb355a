//! A reply that does not say how it is encoded.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, hello: Json<Hello>) -> Result<Hello> {
        Ok(hello.0)
    }
}

fn main() {}
