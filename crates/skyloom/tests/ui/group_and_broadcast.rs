//! A listener that shares and does not share.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[event("links.visited", group = "audit", broadcast)]
    async fn seen(&self, hello: Json<Hello>) -> Result<()> {
        drop(hello);
        Ok(())
    }
}

fn main() {}
