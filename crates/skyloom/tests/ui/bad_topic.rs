//! A topic's name that no broker takes.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[event("Links visited")]
    async fn seen(&self, hello: Json<Hello>) -> Result<()> {
        drop(hello);
        Ok(())
    }
}

fn main() {}
