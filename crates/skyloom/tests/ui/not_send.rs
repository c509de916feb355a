//! A handler that keeps a thread's own value while it waits.

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
        let own = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(own);
        Ok(hello)
    }
}

fn main() {}
