//! A service in the place of its client.

use skyloom::{client::ServiceClient, prelude::*};

struct Greeter;

#[service(version = 1)]
impl Greeter {
    #[handler]
    async fn hello(&self, name: Json<String>) -> Result<Json<String>> {
        Ok(name)
    }
}

fn typed<C: ServiceClient>(client: Client) -> C {
    C::through(client)
}

fn main() {
    let client: fn(Client) -> GreeterClient = typed::<GreeterClient>;
    let service = typed::<Greeter>;
}
