//! A handler that cannot fail.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, hello: Json<Hello>) -> Json<Hello> {
        hello
    }
}

fn main() {}
