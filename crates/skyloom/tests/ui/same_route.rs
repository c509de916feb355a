//! Two handlers with one path.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler(get = "/v1/hello")]
    async fn hello(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }

    #[handler(get = "/v1/hello")]
    async fn again(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }
}

fn main() {}
