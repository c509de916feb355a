//! The smallest service, as a process for `sky up`: `command = ["examples/hello"]`.

use skyloom::prelude::*;

/// Who is greeted.
#[derive(Serialize, Deserialize)]
struct Hello {
    name: String,
}

/// The greeting.
#[derive(Serialize, Deserialize)]
struct Greeting {
    text: String,
}

#[derive(Clone)]
struct Greeter;

#[service(version = 1)]
impl Greeter {
    /// Greets a person.
    #[handler(get = "/v1/hello/{name}", timeout = "2s")]
    async fn hello(&self, Json(hello): Json<Hello>) -> Result<Json<Greeting>> {
        Ok(Json(Greeting { text: format!("Hello, {}!", hello.name) }))
    }
}

#[skyloom::main]
async fn main() -> Result<()> {
    skyloom::serve(Greeter).await
}
