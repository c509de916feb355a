//! A handler that borrows its message.

use skyloom::prelude::*;

#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, hello: &Hello) -> Result<Json<Hello>> {
        Ok(Json(Hello { name: hello.name.clone() }))
    }
}

fn main() {}
