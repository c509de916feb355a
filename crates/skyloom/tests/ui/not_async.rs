//! A handler that is not async.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    fn hello(&self, hello: Json<Hello>) -> Result<Json<Hello>> {
        Ok(hello)
    }
}

fn main() {}
