//! A handler that belongs to no service.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[handler]
async fn hello(hello: Json<Hello>) -> Result<Json<Hello>> {
    Ok(hello)
}

fn main() {}
