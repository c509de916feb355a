//! Two handlers with one name.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }

    #[handler(name = "Hello")]
    async fn again(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }
}

fn main() {}
